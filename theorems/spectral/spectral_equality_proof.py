"""Proof of spectral-equality: with r ≥ dim S_F columns M = R⁻¹CR⁻¹ is within reach, and it is the only minimum.

L(A) = −2 tr(CM) + tr(RMRM) with M = AAᵀ. For N = R⁻¹CR⁻¹ this is tr(R(M − N)R(M − N)) − tr(RNRN), and the first trace
is ≥ 0, and 0 only for M = N. Let B be a basis of S_F, B⁺B = I. Since R⁻¹μ_k lies in S_F, N = BB⁺N(BB⁺)ᵀ; with
0 ≤ δ ≤ 1, B⁺N(B⁺)ᵀ ⪰ 0 is ΩΩᵀ, and as m ≤ r there is J with JJᵀ = I: A₀ = BΩJ has A₀A₀ᵀ = N. So every minimiser has
AAᵀ = N, and RAAᵀR = C. For δ > 0 that leaves nothing outside Col(A): where AᵀRv = 0, vᵀCv = 0 and μ_kᵀv = 0 for each k.
So R⁻¹μ_k lies in Col(A), and Σ̄⁻¹μ_k = R⁻¹μ_k + Σ_l w_l R⁻¹μ_l (μ_lᵀΣ̄⁻¹μ_k) does.
"""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import mixtures as v
from thmverify.proofs.expressions import Col, Expr, Index, conj, eq, eye, fresh, iff, minv, num, psd, tr
from thmverify.proofs.lemmas.algebra import root
from thmverify.proofs.lemmas.basic import folded, square_norm, unfolded, vanishes_below
from thmverify.proofs.lemmas.spectral import Inclusion, Reach, SpectralSetting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.spectral.common_proof import loss_steps

HYPOTHESES = (
    "weights-positive",
    "weights-sum",
    "covariances-definite",
    "bias-range",
    "bias-positive",
    "columns-reach",
)


class Whole:
    """N = R⁻¹CR⁻¹, and a map A₀ with A₀A₀ᵀ = N, for r ≥ dim S_F."""

    def __init__(self, st: SpectralSetting) -> None:
        """Choose a basis B of S_F with m ≤ r columns."""
        self.st, s = st, st.s
        self.s = s
        one, other, mirror = st.R_inverse
        self.N, self.named = s.let("N", minv(st.R) @ st.C @ minv(st.R))
        self.image = s.lin(eq(st.R @ self.N @ st.R, st.C), [(self.named, 1, st.R, st.R)], one, other)
        self.N_symmetric = s.calc(eq(self.N, self.N.T), self.named, st.C_symmetric, mirror)
        _, line = s.obtain(st.hypothesis("columns-reach"), "m")
        dimension, self.few = s.parts(line)
        (self.B,), line = s.obtain(dimension, "B")
        left, self.spans, _ = s.parts(line)
        (self.left,), self.inverse = s.obtain(left, "B⁺")

    # -- the loss around N --------------------------------------------------------------------------------------------

    def distance(self, X: Expr) -> Expr:
        """tr(R(XXᵀ − N)R(XXᵀ − N))."""
        gap = X @ X.T - self.N
        return tr(self.st.R @ gap @ self.st.R @ gap)

    @cached_property
    def square(self) -> Line:
        """∀A. L(A) = tr(R(AAᵀ − N)R(AAᵀ − N)) − tr(RNRN)."""
        st, s, X = self.st, self.s, fresh(v.A.sort, "A")
        claim = eq(st.spec.loss(X), self.distance(X) - tr(st.R @ self.N @ st.R @ self.N))
        parts = [s.spec(st.form, X), (self.image, 1, eye(st.d), X @ X.T)]
        return s.gen(s.lin(claim, parts, st.R_symmetric, self.N_symmetric), X)

    def _apart(self, X: Expr) -> tuple[Expr, Expr, tuple[Line, ...]]:
        """Γ and Γᵀ(XXᵀ − N)Γ, R = ΓΓᵀ, and equations to rewrite with: N and R are symmetric, ΓΓᵀ = R."""
        st, s = self.st, self.s
        W, rooted = root(s, st.R_psd, "Γ")
        return W, W.T @ (X @ X.T - self.N) @ W, (self.N_symmetric, st.R_symmetric, s.flip(rooted))

    @cached_property
    def nonnegative(self) -> Line:
        """∀A. 0 ≤ tr(R(AAᵀ − N)R(AAᵀ − N)): it is ‖Γᵀ(AAᵀ − N)Γ‖²."""
        s, X, mark = self.s, fresh(v.A.sort, "A"), self.s.mark()
        _, apart, facts = self._apart(X)
        line = s.release(s.lin(num(0) <= self.distance(X), [square_norm(s, apart)], *facts), mark)
        s.forget(mark)
        return s.gen(line, X)

    def none(self, X: Expr, low: Line) -> Line:
        """XXᵀ = N from tr(R(XXᵀ − N)R(XXᵀ − N)) ≤ 0."""
        st, s, mark = self.st, self.s, self.s.mark()
        W, apart, facts = self._apart(X)
        zero = vanishes_below(s, apart, s.lin(tr(apart.T @ apart) <= 0, [low], *facts))
        inverse = minv(st.R)
        part = (zero, 1, inverse @ W, W.T @ inverse)
        line = s.release(s.lin(eq(X @ X.T, self.N), [part], *facts, st.R_inverse[0], st.R_inverse[2]), mark)
        s.forget(mark)
        return line

    # -- N is within reach --------------------------------------------------------------------------------------------

    def inside(self) -> Line:
        """∀k. BB⁺R⁻¹μ_k = R⁻¹μ_k."""
        st, s, k = self.st, self.s, fresh(Index(self.st.K), "k")
        slope, whitened = minv(st.mix.sigma_bar) @ st.mu(k), minv(st.R) @ st.mu(k)
        P, one = self.B @ self.left, eye(st.d)
        mark = s.mark()
        (h,), spanned = s.obtain(s.spec(self.spans, k), "h")
        spanned = s.lin(eq(slope, self.B @ h), [spanned], st.sigma_unfolded)
        kept = s.lin(
            eq(P @ slope, slope), [(spanned, 1, P, eye(1)), (spanned, 1, one, eye(1)), (self.inverse, 1, self.B, h)]
        )
        kept = s.gen(s.release(kept, mark), k)
        s.forget(mark)
        resolved = s.lin(  # Σ̄R⁻¹μ_k = μ_k − SR⁻¹μ_k
            eq(whitened, slope - minv(st.mix.sigma_bar) @ st.mix.S @ whitened),
            [
                (st.R_inverse[0], 1, minv(st.mix.sigma_bar), st.mu(k)),
                (st.R_parts, 1, minv(st.mix.sigma_bar), whitened),
                (st.sigma_inverse[1], 1, one, whitened),
            ],
        )
        parts = [(resolved, 1, P, eye(1)), (resolved, 1, one, eye(1))]
        return s.gen(s.lin(eq(P @ whitened, whitened), parts, st.unfold(st.mix.S), kept), k)

    def kept(self, inside: Line) -> Line:
        """BB⁺N(BB⁺)ᵀ = N."""
        st, s = self.st, self.s
        P = self.B @ self.left
        return s.calc(eq(P @ self.N @ P.T, self.N), self.named, *st.moments[1:], st.R_inverse[2], inside)

    def attained(self, kept: Line) -> tuple[Expr, Line]:
        """A₀ and the line A₀A₀ᵀ = N."""
        st, s = self.st, self.s
        m, y = self.B.cols, fresh(Col(self.B.cols), "y")
        core = self.left @ self.N @ self.left.T
        form = s.spec(st.C_nonnegative, minv(st.R) @ self.left.T @ y)
        form = s.lin(num(0) <= tr(y.T @ core @ y), [form], st.R_inverse[2], self.named)
        symmetric = s.calc(eq(core, core.T), self.N_symmetric)
        W, rooted = root(s, s.taut(psd(core), symmetric, s.gen(form, y)), "Ω")
        wide = s.mp(s.apply("embedding", [], [m, st.r]), self.few)
        (J,), orthonormal = s.obtain(wide, "J")
        X, named = s.let("A_0", self.B @ W @ J)
        parts = [
            (orthonormal, 1, self.B @ W, W.T @ self.B.T),
            (rooted, 1, self.B, self.B.T),
            kept,
        ]
        return X, s.lin(eq(X @ X.T, self.N), parts, named)


def minimum(whole: Whole, A: Expr, reach: tuple[Expr, Line]) -> Line:
    """MinimisesSpectral(A) ⟺ AAᵀ = R⁻¹CR⁻¹."""
    st, s, (best, attained) = whole.st, whole.s, reach
    minimises, level = s.assume(st.spec.minimises(A)), s.assume(eq(A @ A.T, whole.N))
    R, one = st.R, eye(st.d)
    own = s.spec(whole.square, A)

    less = s.spec(unfolded(s, minimises), best)
    near = s.lin(eq(whole.distance(best), 0), [(attained, 1, R @ (best @ best.T - whole.N) @ R, one)])
    low = s.lin(whole.distance(A) <= 0, [less, own, s.spec(whole.square, best), near])
    forth = s.discharge(whole.none(A, low), minimises)

    X = fresh(A.sort, "X")
    here = s.lin(eq(whole.distance(A), 0), [(level, 1, R @ (A @ A.T - whole.N) @ R, one)])
    least = s.lin(
        st.spec.loss(A) <= st.spec.loss(X), [own, here, s.spec(whole.square, X), s.spec(whole.nonnegative, X)]
    )
    back = s.discharge(folded(s, minimises.formula, s.gen(least, X)), level)
    return s.taut(iff(minimises.formula, level.formula), forth, back)


def spanned(whole: Whole, A: Expr) -> Line:
    """AAᵀ = R⁻¹CR⁻¹ ⟹ SpansFisher(A)."""
    st, s = whole.st, whole.s
    level, vector, mark = s.assume(eq(A @ A.T, whole.N)), fresh(Col(st.d), "v"), s.mark()
    same = s.lin(eq(st.R @ A @ A.T @ st.R, st.C), [(level, 1, st.R, st.R), whole.image])
    s.step("image", "For such a map RAAᵀR = C.", same)
    claim = tr(vector.T @ st.C @ vector) <= tr(vector.T @ st.R @ A @ A.T @ st.R @ vector)
    bound = s.gen(s.lin(claim, [(same, 1, vector.T, vector)]), vector)
    reach = Reach(st, A, st.C_above)
    whitened = reach.whitened(bound)
    s.step("whitened", "Where AᵀRv = 0, vᵀCv = 0 and each μ_kᵀv = 0, since δ > 0: R⁻¹μ_k lies in Col(A).", whitened)
    reached = s.step(
        "reached", "Σ̄⁻¹μ_k = R⁻¹μ_k + Σ_l w_l R⁻¹μ_l (μ_lᵀΣ̄⁻¹μ_k), so it does too.", reach.reached(whitened)
    )
    line = s.discharge(s.release(reach.spans(reached), mark), level)
    s.forget(mark)
    return line


def prove() -> Proposal:
    """For r ≥ dim S_F and δ > 0: A minimises L exactly when AAᵀ = R⁻¹CR⁻¹, and then Col(A) = S_F."""
    s = Script("spectral-equality")
    st = SpectralSetting(s)
    loss_steps(st)
    whole, A = Whole(st), v.A
    s.step("target", "N = R⁻¹CR⁻¹ solves RNR = C.", whole.image)
    s.step("square", "The square completed: L(A) = tr(R(AAᵀ − N)R(AAᵀ − N)) − tr(RNRN).", whole.square)
    s.step("nonnegative", "The first trace is ‖Γᵀ(AAᵀ − N)Γ‖² ≥ 0, R = ΓΓᵀ.", whole.nonnegative)
    inside = whole.inside()
    s.step("inside", "R⁻¹μ_k lies in S_F: BB⁺R⁻¹μ_k = R⁻¹μ_k for a basis B of S_F with m ≤ r columns.", inside)
    kept = s.step("kept", "So do the columns of N: BB⁺N(BB⁺)ᵀ = N.", whole.kept(inside))
    reach = whole.attained(kept)
    sentence = "B⁺N(B⁺)ᵀ is ΩΩᵀ and m ≤ r, so N = A₀A₀ᵀ for a map A₀ of r columns, BΩJ with JJᵀ = I."
    s.step("attained", sentence, reach[1])
    closed = s.step("closed-form", "So A minimises L exactly when AAᵀ = N.", minimum(whole, A, reach))
    covers = s.step("covers", "So S_F ⊆ Col(A).", spanned(whole, A))
    included = Inclusion(st, A).derive()
    s.step("included", "The columns of a minimiser lie in S_F, as in spectral-inclusion.", included)
    minimises = st.spec.minimises(A)
    equal = conj(st.mix.within_fisher(A), st.mix.spans_fisher(A))
    line = s.taut(conj(closed.formula, minimises >> equal), closed, covers, included)
    line = s.rewrite(whole.named, line)
    return s.qed(line, {name: v.HYPOTHESES[name] for name in HYPOTHESES})
