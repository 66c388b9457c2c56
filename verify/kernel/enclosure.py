"""A global minimiser, enclosed by its optimality conditions, and the bounds on its rank that follow (PROOFS.md, 3).

In coordinates t = (BQ)ᵀx, Q any invertible hint, t has the covariance G given k and E ttᵀ = R, M = BQYQᵀBᵀ and the loss
is convex in Y. The norm is ‖H‖² = tr(HGHR) for matrices like Y; for gradients |⟨E, H⟩|² ≤ tr(EG⁻¹ER⁻¹)·‖H‖².
"""

from typing import Any, NamedTuple

from flint import arb, arb_mat, ctx, fmpq_mat

from thmverify.kernel.balls import max_of
from thmverify.kernel.integrals import Grids, read_grids, softmax_moments
from thmverify.kernel.linear import certainly_definite, dual_norm_squared, least_dual_norm_squared, select
from thmverify.kernel.models import Mixture, Pairs
from thmverify.kernel.parse import Kind, bits, read
from thmverify.kernel.strict import Rejected


def smoothed_gradient(x: Mixture, y: Mixture, X: fmpq_mat, Y: fmpq_mat, grids: Grids) -> arb_mat:
    """Return the gradient of E_x log E_y exp xᵀWy = E log Σ_k w_k exp(xᵀWμ_k + ½xᵀWΣ_kWᵀx) in W = XYᵀ:

    E xxᵀ·WΣ_1 + E[x]μ_1ᵀ + Σ_k E[p_k x](μ_k − μ_1)ᵀ + Σ_k E[p_k x qᵀ]Yᵀ(Σ_k − Σ_1), p the softmax, q = Xᵀx, μ_k and
    Σ_k those of y.
    """
    first = y.covariances[0]
    rest = [] if y.shared else [Y.transpose() * (sigma - first) for sigma in y.covariances]
    rows = y.offsets.transpose().tolist()
    targets = [type(y.means)([row, *(rest[k].tolist() if rest else [])]) for k, row in enumerate(rows)]
    bends = [part * Y for part in rest]
    exact = x.R * X * Y.transpose() * first + x.mean * select(y.means, range(y.means.nrows()), [0]).transpose()
    return arb_mat(exact) + softmax_moments(x, X, Y.transpose() * y.offsets, targets, grids, bends)


def infonce_gradient(law: Mixture, C: fmpq_mat, V: fmpq_mat, grids: Grids) -> arb_mat:
    """Return ∇L(M) at M = VVᵀ for InfoNCE, L(M) = −⟨C,M⟩ + E_x log E_y exp xᵀMy over symmetric M."""
    g = smoothed_gradient(law, law, V, V, grids)
    return (g + g.transpose()) / 2 - arb_mat(C)


def clip_gradient(pairs: Pairs, left: fmpq_mat, right: fmpq_mat, grids: tuple[Grids, Grids]) -> arb_mat:
    """Return ∇L(W) at W = left·rightᵀ for CLIP; the grids of the images, then of the texts."""
    x, y = pairs.modalities
    forward = smoothed_gradient(x, y, left, right, grids[0]) - arb_mat(pairs.C * 2)
    return forward + smoothed_gradient(y, x, right, left, grids[1]).transpose()


class Enclosed(NamedTuple):
    """‖Y* − Ỹ‖ ≤ ε, with VᵀGV, VᵀRV, NᵀGN, NᵀRN, Γ = NᵀgN, g, a lower bound of ‖g‖² and Λ of `enclose_infonce`."""

    inner: arb_mat
    inner_R: arb_mat
    outer: arb_mat
    outer_R: arb_mat
    Gamma: arb_mat
    gradient: arb_mat
    gradient2: arb
    epsilon: arb
    Lambda: arb

    @property
    def allowed(self) -> arb_mat:
        """√Λε(σNᵀGN + NᵀRN/σ)/2 ⪰ the most that NᵀgN may exceed Nᵀ∇L(Y*)N by, whatever σ > 0 is."""
        if not self.outer.nrows():
            return self.outer
        sigma = (self.outer_R.trace() / self.outer.trace()).sqrt()
        return (self.outer * sigma + self.outer_R / sigma) * (self.Lambda.sqrt() * self.epsilon / 2)


def enclose_infonce(pairs: Pairs, hints: object) -> Enclosed:
    """Enclose Y* over Y ⪰ 0, Σ shared: ‖H‖² ≤ D²L[H,H] ≤ Λ‖H‖², Λ = 1 + diam²/4, diam of the τ_k, at Ỹ = VVᵀ."""
    m = pairs.mixture.m
    digits, Q, grids, V, seed = read(hints, precision=bits, Q=(m, m), grids=read_grids, V=(m,), N=(m,))
    frame = pairs.mixture.fisher * Q
    with ctx.workprec(digits):
        law, C = pairs.mixture.reduced(frame), frame.transpose() * pairs.C * frame
        G, R = law.sigma, law.R
        g = infonce_gradient(law, C, V, grids)
        return enclosed(g, slack(g, G, V, seed), G, *map(arb_mat, (R, V, law.means)))


def enclosed(
    g: arb_mat, made: tuple[arb_mat, arb_mat, arb_mat], G: fmpq_mat, R: arb_mat, V: arb_mat, means: arb_mat
) -> Enclosed:
    """Return what follows from the gradient g, what `slack` makes of it, the law and V."""
    N, Gamma, rest = made
    gram, K = means.transpose() * G.inv() * means, range(means.ncols())
    diameter2 = max_of([gram[j, j] + gram[k, k] - 2 * gram[j, k] for j in K for k in K])
    inner, inner_R = (V.transpose() * form * V for form in (arb_mat(G), R))
    outer, outer_R = (N.transpose() * form * N for form in (arb_mat(G), R))
    epsilon = dual_norm_squared(rest, G, R).upper().sqrt().upper()
    gradient2 = least_dual_norm_squared(g, G, R)
    return Enclosed(inner, inner_R, outer, outer_R, Gamma, g, gradient2, epsilon, 1 + diameter2 / 4)


def slack(g: arb_mat, G: fmpq_mat, V: fmpq_mat, seed: fmpq_mat) -> tuple[arb_mat, arb_mat, arb_mat]:
    """Return N, Γ = NᵀgN ≻ 0, g − Z: Col[V N] = Col[V seed], VᵀGN = 0, Z = GN(NᵀGN)⁻¹Γ(NᵀGN)⁻¹NᵀG ⪰ 0."""
    return rising(complement(g, *map(arb_mat, (G, V, seed))))


def complement(g: Any, G: Any, V: Any, seed: Any) -> tuple[Any, Any, Any]:
    """Return N, Γ and g − Z of `slack`; the four are matrices of one kind."""
    N = seed - V * (V.transpose() * G * V).inv() * (V.transpose() * G * seed)
    lift, Gamma = G * N * (N.transpose() * G * N).inv(), N.transpose() * g * N
    return N, Gamma, g - lift * Gamma * lift.transpose()


def rising(made: tuple[arb_mat, arb_mat, arb_mat]) -> tuple[arb_mat, arb_mat, arb_mat]:
    """Return what `complement` made when Γ is certainly positive definite."""
    if not certainly_definite(made[1]):
        raise Rejected("the gradient is not certainly positive definite on N")
    return made


def infonce_rank(e: Enclosed, m: int) -> tuple[int, int]:
    """Return bounds of rank Y*: Y* takes no v = RV(VᵀRV)⁻¹w to 0, ∇L moves by at most √Λε, and Y*∇L(Y*) = 0.

    VᵀGV ≻ ε²(VᵀRV)⁻¹ ⟹ rank Y* ≥ ρ;   Γ ≻ √Λε(σNᵀGN + NᵀRN/σ)/2 ⟹ rank Y* ≤ m − n;   ‖g‖ > √Λε ⟹ rank Y* ≤ m − 1.
    """
    low = e.inner.nrows() if certainly_definite(e.inner - e.inner_R.inv() * e.epsilon**2) else 0
    high = m - 1 if e.gradient2 > e.Lambda * e.epsilon**2 else m
    if certainly_definite(e.Gamma - e.allowed):
        high = min(high, m - e.outer.nrows())
    return low, high


class EnclosedPair(NamedTuple):
    """‖Y° − Ỹ‖² ≤ ε², with Ỹ, U, G_V and G_T of `enclose_clip`."""

    Y: fmpq_mat
    U: fmpq_mat
    G_V: fmpq_mat
    G_T: fmpq_mat
    epsilon2: arb


def enclose_clip(pairs: Pairs, hints: object) -> EnclosedPair:
    """Enclose CLIP's minimiser Y° over all W = B_V Y B_Tᵀ: ‖Y° − Ỹ‖ ≤ ‖∇L(Ỹ)‖/2 =: ε for any Ỹ = left·rightᵀ,

    since −2⟨C,Y⟩ + E_x log E_y exp xᵀYy + E_y log E_x exp xᵀYy is 2-strongly convex in ‖H‖² = tr(G_V H G_T Hᵀ).
    """
    (vision, text), (m, n) = pairs.modalities, pairs.sizes
    whitened: dict[str, Kind] = {"Q_V": (m, m), "Q_T": (n, n), "vision_grids": read_grids, "text_grids": read_grids}
    found = read(hints, precision=bits, **whitened, left=(m,), right=(n,), U=(n,))
    digits, Q_V, Q_T, grids_V, grids_T, left, right, U = found
    frame_V, frame_T = vision.fisher * Q_V, text.fisher * Q_T
    if left.ncols() != right.ncols():
        raise Rejected("left and right do not have as many columns")
    with ctx.workprec(digits):
        x, y = vision.reduced(frame_V), text.reduced(frame_T)
        g = clip_gradient(Pairs([x, y], pairs.bias, pairs.columns, pairs.decay), left, right, (grids_V, grids_T))
        epsilon2 = (dual_norm_squared(g, x.sigma, y.sigma) / 4).upper()
        return EnclosedPair(left * right.transpose(), U, x.sigma, y.sigma, epsilon2)


def clip_rank(e: EnclosedPair) -> int:
    """Return a lower bound of rank Y°: the columns of U when UᵀỸᵀG_VỸU ≻ ε²UᵀG_T⁻¹U, or 0."""
    image: fmpq_mat = e.Y * e.U
    with ctx.workprec(256):
        above = arb_mat(image.transpose() * e.G_V * image) - arb_mat(e.U.transpose() * e.G_T.inv() * e.U) * e.epsilon2
        return int(e.U.ncols()) if certainly_definite(above) else 0
