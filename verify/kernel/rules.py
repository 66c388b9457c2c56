"""What each rule makes of an instance and its hints: a finding, or a rejection. There is no other way to a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from flint import fmpq, fmpq_mat

from verify.kernel.enclosure import clip_rank, enclose_infonce, rank_bounds
from verify.kernel.linear import (
    beside,
    identity,
    is_positive_definite,
    is_semidefinite,
    is_zero,
    null_space,
    rank,
    within,
)
from verify.kernel.models import Graph, Instance, Mixture, Paired, Pairs, covariance_of_means
from verify.kernel.parse import Rejected, array, integer, rational, record

Kind = TypeVar("Kind", Pairs, Paired, Graph)


@dataclass(frozen=True)
class Finding:
    """The verdict; where the claim is about them, bounds of the minimiser's rank, and dim S_F (of both modalities)."""

    verdict: Literal["proved", "refuted"]
    rank: tuple[int, ...] = ()
    dimension: tuple[int, ...] = ()


PROVED, REFUTED = Finding("proved"), Finding("refuted")


def _shared(pairs: Pairs) -> Mixture:
    if not pairs.mixture.shared:
        raise Rejected("the claim is about a shared covariance")
    return pairs.mixture


# ------------------------------------------------------------------------------------------- identities, inclusions


def posterior(pairs: Pairs) -> Finding:
    """Pr(z=k|x) ∝ w_k exp(xᵀΣ⁻¹μ_k − ½μ_kᵀΣ⁻¹μ_k); given Bᵀx, Π = B(BᵀΣB)⁻¹Bᵀ takes the place of Σ⁻¹.

    Both agree for every x when Πμ_k = Σ⁻¹μ_k. Another A with Col(A) = S_F is a function of B and conversely.
    """
    mixture = _shared(pairs)
    return _projection_identity(mixture)


def fisher(pairs: Pairs) -> Finding:
    """Whitened, J(A) = tr(P_A Ŝ) ≤ tr Ŝ, P_A the projector on Col(Σ̄^{1/2}A), with equality iff P_AŜ = Ŝ.

    That is Col(A) ⊇ Σ̄⁻¹Col(S), and Col(S) = span μ since all w_k > 0. Πμ_k = Σ̄⁻¹μ_k says that S_F attains it.
    """
    if rank(pairs.mixture.S) != pairs.mixture.m:
        raise Rejected("S does not have the rank of the means")
    return _projection_identity(pairs.mixture)


def _projection_identity(mixture: Mixture) -> Finding:
    B, sigma, mu = mixture.fisher, mixture.sigma, mixture.means
    if B * (B.transpose() * sigma * B).inv() * B.transpose() * mu != sigma.inv() * mu:
        raise Rejected("the projection identity fails")
    return PROVED


def _check_blocks(mixture: Mixture) -> None:
    """Check the premises of inclusion: t = Bᵀx and u = Pᵀx, P = (span μ)^⊥, are independent given k, and E[u|k] = 0.

    In these coordinates cut M to its t-block. ⟨C,M⟩ stays, M ⪰ 0 stays, the rank does not rise. By Jensen in u, E log
    Σ w_k exp(xᵀMμ_k + ½xᵀMΣ_kMx) does not rise, since u enters through convex exponents and has mean 0 given (t, k);
    and it falls unless the cut is 0: the quadratic loses M_ut at u = 0 and is strictly convex in M_uu u. So every
    minimiser, whatever r and δ, has Col(A) ⊆ S_F. For CLIP the same cut in each modality; its quadratics are strict.
    """
    P = null_space(mixture.means.transpose())
    for sigma in mixture.covariances:
        if not is_zero(P.transpose() * sigma * mixture.fisher):
            raise Rejected("given the component, x within S_F and across it are correlated")
    if rank(beside(mixture.fisher, P)) != mixture.means.nrows():
        raise Rejected("S_F and its complement do not span the space")


def infonce_inclusion(pairs: Pairs) -> Finding:
    """See `_check_blocks`; the premises always hold for a shared covariance."""
    _check_blocks(_shared(pairs))
    return PROVED


def nonshared_inclusion(pairs: Pairs) -> Finding:
    """See `_check_blocks`; the premises hold when every Σ_k maps S_F into span μ, e.g. for proportional covariances."""
    _check_blocks(pairs.mixture)
    return PROVED


# ------------------------------------------------------------------------------------------------ infonce-equality


def infonce_equality(pairs: Pairs) -> Finding:
    """With r < m the rank is too small. Otherwise the claim is about Y* over Y ⪰ 0, unique by strong convexity.

    At Y = 0 the softmax is w and ∇L(0) = −δ Cov(τ): when that is 0, Y* = 0.
    """
    mixture = _shared(pairs)
    m, r = mixture.m, pairs.columns
    if m == 0:
        return Finding("proved", (0, 0), (0,))
    if is_zero(covariance_of_means(mixture, mixture) * pairs.bias):
        return Finding("refuted", (0, 0), (m,))
    if r < m:  # Y = 0 is not optimal, and neither is any Y of rank < r with a gradient that is not ⪰ 0
        return Finding("refuted", (1, r), (m,))
    raise Rejected("rational arithmetic alone does not decide this instance")


def infonce_kkt(pairs: Pairs, hints: object) -> Finding:
    """The rank bounds of `enclosure.rank_bounds` against m."""
    m = _shared(pairs).m
    if m == 0 or pairs.columns < m:
        raise Rejected("the rule is for r ≥ m ≥ 1")
    bounds = rank_bounds(enclose_infonce(pairs, hints), m)
    return Finding(_full(bounds, m), bounds, (m,))


def _full(bounds: tuple[int, int], m: int) -> Literal["proved", "refuted"]:
    if bounds[0] == m:
        return "proved"
    if bounds[1] < m:
        return "refuted"
    raise Rejected(f"the rank of the minimiser is only known to be between {bounds[0]} and {bounds[1]}")


def infonce_symmetry(pairs: Pairs, hints: object) -> Finding:
    """See `_check_transitive`: M*Σe = 0 for e = Σ⁻¹μ̄ in S_F, so the rank is at most m − 1."""
    mixture = _shared(pairs)
    _check_transitive((mixture,), hints)
    if is_zero(mixture.mean) or pairs.columns < mixture.m:
        raise Rejected("the rule is for r ≥ m and a mean that is not 0")
    return Finding("refuted", (0, mixture.m - 1), (mixture.m,))


def _check_transitive(mixtures: tuple[Mixture, ...], hints: object) -> None:
    """Check that permutations which preserve w and μᵀΣ⁻¹μ (of each modality) act transitively on the components.

    Each is then an isometry of S_F that leaves L unchanged, so the unique minimiser commutes with it. The vectors
    that all of them fix are the multiples of μ̄ (whitened), and ⟨μ̄, μ_k⟩ is constant. So the minimiser is a block
    along μ̄ and one across it, the losses of the two add up, and that of the block along μ̄, ½(1 + ‖μ̄‖²)y² (twice
    that for CLIP) is least at 0: the log-sum-exp cancels ⟨C, ·⟩ there. For CLIP with one mean 0 there is no block
    along the other.
    """
    (given,) = record(hints, "hints", ("permutations",))
    K = len(mixtures[0].weights)
    maps = [
        [integer(x, "permutations", 0, K - 1) for x in array(p, "permutations")] for p in array(given, "permutations")
    ]
    grams = [m.means.transpose() * m.sigma.inv() * m.means for m in mixtures]
    for p in maps:
        if sorted(p) != list(range(K)) or any(
            mixtures[0].weights[p[k]] != w for k, w in enumerate(mixtures[0].weights)
        ):
            raise Rejected("a permutation is none, or moves a weight")
        if any(g[p[j], p[k]] != g[j, k] for g in grams for j in range(K) for k in range(K)):
            raise Rejected("a permutation does not preserve the geometry of the means")
    orbit = {0}
    for _ in range(K):
        orbit |= {p[k] for p in maps for k in orbit}
    if len(orbit) != K:
        raise Rejected("the permutations are not transitive")


# ------------------------------------------------------------------------------------------- spectral contrastive, PCA


def _check_spectral(pairs: Pairs) -> int:
    """Return rank C. R^{1/2}MR^{1/2} is the top-r part of R^{-1/2}CR^{-1/2} ⪰ 0, so Col(A*) ⊆ R⁻¹Col(C) ⊆ S_F."""
    mixture = pairs.mixture
    if not within(mixture.R.inv() * pairs.C, mixture.fisher):
        raise Rejected("R⁻¹Col(C) is not in S_F")
    return rank(pairs.C)


def spectral_equality(pairs: Pairs) -> Finding:
    """Col(A*) ⊆ S_F has dimension min(r, rank C)."""
    reached, m = min(pairs.columns, _check_spectral(pairs)), pairs.mixture.m
    return Finding("proved" if reached == m else "refuted", (reached, reached), (m,))


def spectral_top(pairs: Pairs) -> Finding:
    """Col(A*) is spanned by top eigenvectors of R⁻¹C; J is largest exactly on top eigenspaces of T = Σ̄⁻¹S (Ky Fan).

    C ∝ S: R⁻¹S = T(I+T)⁻¹ has the same order. 0 < δ < 1, r < m: if Col(A*) is T-invariant then it is invariant under
    R⁻¹μ̄μ̄ᵀ, so it contains R⁻¹μ̄, hence every TⁱΣ̄⁻¹μ̄, or is orthogonal to μ̄, and then they lie in its
    Σ̄-complement in S_F: neither can be when they span S_F. δ = 0: Col(A*) is the line of R⁻¹μ̄, or 0.
    """
    mixture, r, delta = pairs.mixture, pairs.columns, pairs.bias
    reached, m = min(r, _check_spectral(pairs)), mixture.m
    rest = ((reached, reached), (m,))
    if reached == m or (delta > 0 and (delta == 1 or is_zero(mixture.mean))):
        return Finding("proved", *rest)
    if reached < min(r, m):  # J rises with every dimension of S_F
        return Finding("refuted", *rest)
    T, v = mixture.sigma.inv() * mixture.S, mixture.R.inv() * mixture.mean
    if delta == 0:
        quotient: fmpq = (v.transpose() * mixture.S * v)[0, 0] / (v.transpose() * mixture.sigma * v)[0, 0]
        best = T * v == v * quotient and is_semidefinite(mixture.sigma * quotient - mixture.S)
        return Finding("proved" if best else "refuted", *rest)
    krylov = column = mixture.sigma.inv() * mixture.mean
    for _ in range(m - 1):
        column = T * column
        krylov = beside(krylov, column)
    if rank(krylov) == m:
        return Finding("refuted", *rest)
    raise Rejected("μ̄ lies in a proper invariant subspace")


def pca_exact(pairs: Pairs) -> Finding:
    """A* spans a top eigenspace of R, of dimension min(r, d): S_F is none if of another one, or not R-invariant."""
    mixture = pairs.mixture
    r = min(pairs.columns, mixture.means.nrows())
    if r != mixture.m or not within(mixture.R * mixture.fisher, mixture.fisher):
        return Finding("refuted", (r, r), (mixture.m,))
    if r == mixture.means.nrows():
        return Finding("proved", (r, r), (r,))
    raise Rejected("the order of the eigenvalues needs a threshold")


def pca_threshold(pairs: Pairs, hints: object) -> Finding:
    """For an R-invariant S_F of dimension r a threshold between R's eigenvalues on S_F and those across it decides."""
    (given,) = record(hints, "hints", ("threshold",))
    mixture, level = pairs.mixture, rational(given, "threshold")
    B = mixture.fisher
    if min(pairs.columns, B.nrows()) != mixture.m or not within(mixture.R * B, B):
        raise Rejected("the rule is for an invariant S_F of dimension r")
    P = null_space(B.transpose())
    along = B.transpose() * (mixture.R - identity(B.nrows()) * level) * B
    across = P.transpose() * (identity(B.nrows()) * level - mixture.R) * P
    sizes = ((mixture.m, mixture.m), (mixture.m,))
    if is_positive_definite(along) and is_positive_definite(across):
        return Finding("proved", *sizes)
    if not is_semidefinite(along) and not is_semidefinite(across):
        return Finding("refuted", *sizes)
    raise Rejected("the threshold does not separate the eigenvalues")


# --------------------------------------------------------------------------------------------------------- SimSiam


def simsiam_exact(pairs: Pairs) -> Finding:
    """Stationary (A, P) satisfy RAPᵀP + ηA = CAP and P(AᵀRA + ηI) = AᵀCA.

    η = 0: A = R⁻¹CAP(PᵀP)⁻¹. η > 0: there is no invertible P when r > rank C, nor when 4η ≻ CR⁻¹C, since for X = APᵀ
    tr(XᵀRX) − tr(XᵀCA) + η tr(AᵀA) = 0 then forces A = 0; and if Σ̄ preserves span μ, the part A' of A across it
    satisfies R'A'PᵀP + ηA' = 0 with R' ≻ 0, so A' = 0, and span μ = S_F.
    """
    mixture, C, eta = pairs.mixture, pairs.C, pairs.decay
    R, mu = mixture.R, mixture.means
    if eta == 0 and within(R.inv() * C, mixture.fisher):
        return PROVED
    if eta > 0 and pairs.columns > rank(C):
        return PROVED
    if within(mixture.sigma * mu, mu) and within(mu, mixture.fisher):
        return PROVED
    if is_positive_definite(identity(C.nrows()) * (4 * eta) - C * R.inv() * C):
        return PROVED
    raise Rejected("rational arithmetic alone does not decide this instance")


def simsiam_leak(pairs: Pairs, hints: object) -> Finding:
    """For r = 1, η > 0 a stationary point is p > 0 and a with N(p)a = 0, |a| = p, N(p) = p²R − pC + ηI.

    N(0) ≻ 0 and N(p₀) ⋡ 0 at the hint p₀, so N is singular ⪰ 0 at some p between: a stationary point exists. If it had
    a ∈ S_F, then ηa = pCa − p²Ra ∈ span μ, so a = Xc with X a basis of S_F ∩ span μ, and (p²RX − pCX + ηX)c = 0: not
    possible when the columns of RX, CX and X are independent together. So it lies outside S_F.
    """
    (given,) = record(hints, "hints", ("p",))
    mixture, C, eta, p = pairs.mixture, pairs.C, pairs.decay, rational(given, "p")
    if not (eta > 0 and p > 0 and pairs.columns == 1):
        raise Rejected("the rule is for η > 0, r = 1 and p > 0")
    if is_semidefinite(mixture.R * (p * p) - C * p + identity(C.nrows()) * eta):
        raise Rejected("N(p) is positive semidefinite")
    X = _intersection(mixture.fisher, mixture.sigma * mixture.fisher)
    if rank(beside(beside(mixture.R * X, C * X), X)) != 3 * X.ncols():
        raise Rejected("a stationary point inside S_F is not excluded")
    return REFUTED


def _intersection(a: fmpq_mat, b: fmpq_mat) -> fmpq_mat:
    """Return a basis of Col(a) ∩ Col(b), a and b with independent columns."""
    relations = null_space(beside(a, b))
    head = fmpq_mat(a.ncols(), relations.ncols(), relations.entries()[: a.ncols() * relations.ncols()])
    return a * head


# ------------------------------------------------------------------------------------------------------------ CLIP


def clip_inclusion(paired: Paired) -> Finding:
    """See `_check_blocks`, for W ↦ P_V W P_T."""
    _check_blocks(paired.vision)
    _check_blocks(paired.text)
    return PROVED


def _uninformative(paired: Paired) -> bool:
    """Whether W° = 0: ∇L(0) = −2δ Cov(μ_V, μ_T)."""
    return is_zero(covariance_of_means(paired.vision, paired.text) * paired.bias)


def clip_equality(paired: Paired) -> Finding:
    """Col(W*) = S_{V,F} and Col(W*ᵀ) = S_{T,F} need rank W* = m_V = m_T ≤ r."""
    sizes = (paired.vision.m, paired.text.m)
    if sizes == (0, 0):
        return Finding("proved", (0, 0), sizes)
    if _uninformative(paired):
        return Finding("refuted", (0, 0), sizes)
    if sizes[0] != sizes[1] or paired.columns < sizes[0]:
        return Finding("refuted", (1, min(*sizes, paired.columns)), sizes)
    raise Rejected("rational arithmetic alone does not decide this instance")


def clip_equality_kkt(paired: Paired, hints: object) -> Finding:
    """The rank of `enclosure.clip_rank` is m_V = m_T ≤ r."""
    sizes = (paired.vision.m, paired.text.m)
    if not 0 < sizes[0] == sizes[1] <= paired.columns:
        raise Rejected("the rule is for r ≥ m_V = m_T ≥ 1")
    return Finding(_full((clip_rank(paired, hints), sizes[0]), sizes[0]), (sizes[0], sizes[0]), sizes)


def clip_symmetry(paired: Paired, hints: object) -> Finding:
    """See `_check_transitive`: the minimiser is 0 along a mean that is not 0."""
    sizes = (paired.vision.m, paired.text.m)
    _check_transitive((paired.vision, paired.text), hints)
    if paired.columns < max(sizes) or (is_zero(paired.vision.mean) and is_zero(paired.text.mean)):
        raise Rejected("the rule is for r ≥ m_V, m_T and a mean that is not 0")
    return Finding("refuted", (0, max(sizes) - 1), sizes)


def clip_literal(paired: Paired) -> Finding:
    """True when S_{V,F} and S_{T,F} are everything. Else, W° the minimiser over all W and ρ its rank: false if r > ρ.

    For W° = A_V A_Tᵀ with ρ columns, a further column of A_V may be any vector while that of A_T is 0, and conversely.
    ρ ≤ min(m_V, m_T) always, and ρ = 0 when the modalities are uncorrelated.
    """
    vision, text = paired.vision, paired.text
    sizes = (vision.m, text.m)
    if sizes == (vision.means.nrows(), text.means.nrows()):
        return PROVED
    if _uninformative(paired) or paired.columns > min(sizes):
        return REFUTED
    raise Rejected("r is at most the rank that the minimiser may have")


def clip_literal_kkt(paired: Paired, hints: object) -> Finding:
    """For r ≤ ρ the optimal W have rank r, so Col(A_V) = Col(W) ⊆ S_{V,F} and Col(A_T) = Col(Wᵀ) ⊆ S_{T,F}.

    An optimal W of rank < r would be stationary along every uvᵀ, hence W°, of rank ρ ≥ r.
    """
    clip_inclusion(paired)
    if not 0 < paired.columns <= min(paired.vision.m, paired.text.m):
        raise Rejected("the rule is for r ≤ m_V, m_T")
    if clip_rank(paired, hints) < paired.columns:
        raise Rejected("fewer than r singular values are certainly positive")
    return PROVED


# ----------------------------------------------------------------------------------------------------------- graphs


def graph_equivalence(graph: Graph) -> Finding:
    """Expand the squares: ‖Ā − FFᵀ‖² = Σ w_{xx'}²/(w_x w_x') − 2Σ w_{xx'} f(x)ᵀf(x') + Σ w_x w_x' (f(x)ᵀf(x'))².

    All w_x > 0 by the model. By Eckart and Young the minimiser FFᵀ is the top-k positive part of Ā.
    """
    if not all(w > 0 for w in graph.degrees):
        raise Rejected("a point has no weight")
    return PROVED


def probe_bound(graph: Graph) -> Finding:
    """With g_c = √w_x 1[y_x = c]/√(Σw) and Π the projector on the r lowest eigenvectors: Σ_c g_cᵀ(I − Ā)g_c = φ, so

    Σ_c ‖(I − Π)g_c‖² ≤ φ/λ_{r+1}; where the arg-max errs the residual is ≥ w_x/2Σw. λ_{r+1} > 0 iff rank(D−w) ≥ n−r.
    """
    n = graph.weights.nrows()
    laplacian = fmpq_mat(n, n, [-x for x in graph.weights.entries()])
    for i, w in enumerate(graph.degrees):
        laplacian[i, i] += w
    if rank(laplacian) < n - graph.columns:
        raise Rejected("λ_{r+1} = 0, so the bound says nothing")
    return PROVED


# ------------------------------------------------------------------------------------------------------- the table

Rule = Callable[[Instance, object], Finding]


def _rule(kind: type[Kind], finding: Callable[[Kind, object], Finding]) -> Rule:
    def apply(instance: Instance, hints: object) -> Finding:
        if not isinstance(instance, kind):
            raise Rejected("the claim is about another model")
        return finding(instance, hints)

    return apply


def _exact(kind: type[Kind], finding: Callable[[Kind], Finding]) -> Rule:
    def apply(instance: Kind, hints: object) -> Finding:
        record(hints, "hints", ())
        return finding(instance)

    return _rule(kind, apply)


RULES: dict[tuple[str, str], Rule] = {
    ("lemma-4.2", "exact"): _exact(Pairs, posterior),
    ("fisher-optimality", "exact"): _exact(Pairs, fisher),
    ("infonce-inclusion", "exact"): _exact(Pairs, infonce_inclusion),
    ("infonce-equality", "exact"): _exact(Pairs, infonce_equality),
    ("infonce-equality", "kkt"): _rule(Pairs, infonce_kkt),
    ("infonce-equality", "symmetry"): _rule(Pairs, infonce_symmetry),
    ("nonshared-inclusion", "exact"): _exact(Pairs, nonshared_inclusion),
    ("spectral-equality", "exact"): _exact(Pairs, spectral_equality),
    ("spectral-top-r", "exact"): _exact(Pairs, spectral_top),
    ("pca-equality", "exact"): _exact(Pairs, pca_exact),
    ("pca-equality", "threshold"): _rule(Pairs, pca_threshold),
    ("simsiam-inclusion", "exact"): _exact(Pairs, simsiam_exact),
    ("simsiam-inclusion", "leak"): _rule(Pairs, simsiam_leak),
    ("clip-inclusion-effective", "exact"): _exact(Paired, clip_inclusion),
    ("clip-effective-equality", "exact"): _exact(Paired, clip_equality),
    ("clip-effective-equality", "kkt"): _rule(Paired, clip_equality_kkt),
    ("clip-effective-equality", "symmetry"): _rule(Paired, clip_symmetry),
    ("clip-inclusion-literal", "exact"): _exact(Paired, clip_literal),
    ("clip-inclusion-literal", "kkt"): _rule(Paired, clip_literal_kkt),
    ("population-graph-equivalence", "exact"): _exact(Graph, graph_equivalence),
    ("linear-probe-bound", "exact"): _exact(Graph, probe_bound),
}
