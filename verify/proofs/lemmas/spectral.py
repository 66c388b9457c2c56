"""Lemmas about the linear spectral contrastive loss: its closed form, and what lies in its minimisers' columns."""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import mixtures as letters
from thmverify.formulas import spectral as v
from thmverify.formulas.mixtures import Mixture
from thmverify.formulas.spectral import Spectral
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Mat,
    eq,
    exists,
    eye,
    fresh,
    iff,
    inv,
    minv,
    num,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.algebra import root
from thmverify.proofs.lemmas.basic import (
    definition,
    folded,
    positive_nonzero,
    root_vanishes,
    square_nonnegative,
    square_norm,
    unfolded,
    vanishes,
    vanishes_below,
    weaken,
)
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.subspaces import fisher_part, gram_inverse, summand_vanishes
from thmverify.proofs.script import Line, Script


class SpectralSetting(Setting):
    """A mixture and the spectral contrastive loss on its augmented pairs in a script."""

    def __init__(self, script: Script) -> None:
        """Take the letters; nothing is assumed yet."""
        super().__init__(script, Mixture(script))
        self.spec = Spectral(self.mix)
        self.delta, self.r = self.mix.delta, letters.r

    # -- moments ------------------------------------------------------------------------------------------------------

    @cached_property
    def bias(self) -> tuple[Line, Line]:
        """0 ≤ δ and 0 ≤ 1 − δ."""
        low, high = self.s.parts(self.hypothesis("bias-range"))
        return low, self.s.lin(num(0) <= 1 - self.delta, [high])

    @cached_property
    def C_above(self) -> Line:
        """∀v. δ vᵀSv ≤ vᵀCv, for δ ≤ 1."""
        s, v = self.s, fresh(Col(self.d), "v")
        other = s.apply("product", [[self.bias[1], square_norm(s, self.mix.mean.T @ v)]])
        claim = self.delta * tr(v.T @ self.mix.S @ v) <= tr(v.T @ self.C @ v)
        return s.gen(s.lin(claim, [other], self.unfold(self.C)), v)

    @cached_property
    def centred(self) -> Line:
        """C = δS, for a mixture with mean 0."""
        s = self.s
        mean = s.lin(eq(self.mix.mean, zero(self.d)), [self.unfold(self.mix.mean), self.hypothesis("centred")])
        return s.lin(eq(self.C, self.delta * self.mix.S), [self.unfold(self.C)], mean)

    @cached_property
    def C_nonnegative(self) -> Line:
        """∀v. 0 ≤ vᵀCv."""
        s, v = self.s, fresh(Col(self.d), "v")
        own = s.apply("product", [[self.bias[0], s.spec(self.S_nonnegative, v)]])
        return s.gen(s.lin(num(0) <= tr(v.T @ self.C @ v), [own, s.spec(self.C_above, v)]), v)

    # -- the loss -----------------------------------------------------------------------------------------------------

    def closed(self, X: Expr) -> Expr:
        """−2 tr(CM) + tr(RMRM), M = XXᵀ."""
        M = X @ X.T
        return num(-2) * tr(self.C @ M) + tr(self.R @ M @ self.R @ M)

    @cached_property
    def alignment(self) -> Line:
        """∀A. E f(x)ᵀf(x̂) = tr(CM), M = AAᵀ, for d × r matrices A."""
        s, X = self.s, fresh(Mat(self.d, self.r), "A")
        claim = eq(v.alignment(X), tr(self.C @ X @ X.T))
        return s.gen(s.calc(claim, *self.moments, self.weights_sum, psd=[self.own_psd]), X)

    @cached_property
    def negatives(self) -> Line:
        """∀A. E_{x,y} (f(x)ᵀf(y))² = tr(RMRM), M = AAᵀ, for d × r matrices A."""
        s, X = self.s, fresh(Mat(self.d, self.r), "A")
        M = X @ X.T
        facts = (*self.moments, self.own_symmetric, self.weights_sum)
        return s.gen(s.calc(eq(v.negatives(X), tr(self.R @ M @ self.R @ M)), *facts, psd=[self.own_psd]), X)

    @cached_property
    def form(self) -> Line:
        """∀A. L(A) = −2 tr(CM) + tr(RMRM), M = AAᵀ, for d × r matrices A."""
        s, X = self.s, fresh(Mat(self.d, self.r), "A")
        loss = self.spec.loss(X)
        parts = [self.unfold(loss), s.spec(self.alignment, X), s.spec(self.negatives, X)]
        return s.gen(s.lin(eq(loss, self.closed(X)), parts), X)

    def cancelled(self, rooted: Line, line: Line) -> Line:
        """X = 0 from R = ΓΓᵀ and ΓᵀX = 0."""
        s, inverse, W = self.s, minv(self.R), Expr(rooted.right.term.args[0])
        X = Expr(line.left.term.args[1])
        parts = [(self.R_inverse[1], 1, eye(self.d), X), (rooted, 1, inverse, X), (line, 1, inverse @ W, eye(X.cols))]
        return s.lin(eq(X, zero(X.rows, X.cols)), parts)


class Inclusion:
    """A = A_in + A_out, A_in within S_F and A_out orthogonal to the means: L(A) = L(A_in) + 2 tr PQ + tr Q².

    P = A_inᵀRA_in and Q = A_outᵀRA_out are ⪰ 0. So a minimiser has Q = 0, and A_out = 0.
    """

    def __init__(self, st: SpectralSetting, A: Expr) -> None:
        """Take the mixture and the map; `derive` does the rest."""
        self.st, self.s, self.A = st, st.s, A
        self.split = fisher_part(st, A)

    def derive(self) -> Line:
        """MinimisesSpectral(A) ⟹ WithinFisher(A)."""
        st, s, A, mark = self.st, self.s, self.A, self.s.mark()
        minimal = s.assume(st.spec.minimises(A))
        (inside,), line = s.obtain(self.split, "A_in")
        within, across = s.parts(line)
        outside, named = s.let("A_out", A - inside)
        self.a, self.b, self.named = inside, outside, named
        k = fresh(Index(st.K), "k")
        reading = eq(outside.T @ st.mu(k), zero(A.cols))
        orthogonal = s.gen(s.lin(reading, [s.spec(across, k)], named), k)
        self.gap = self._gap(within, orthogonal)
        Q, W, rooted = self._no_square(minimal)
        self.outside = self._vanishes(Q, W, rooted)
        back = s.lin(eq(inside, A), [named, self.outside])
        self.line = s.discharge(s.release(s.rewrite(back, within), mark), minimal)
        s.forget(mark)
        return self.line

    def _gap(self, within: Line, orthogonal: Line) -> Line:
        """L(A) = L(A_in) + 2 tr PQ + tr Q²."""
        st, s, a, b = self.st, self.s, self.a, self.b
        whole = s.lin(eq(self.A, a + b), [self.named])
        (_,), spanned = s.obtain(unfolded(s, within), "c")
        zeros = zero(b.cols, a.cols)
        facts = (st.R_parts, *st.moments[1:], spanned, st.sigma_inverse[0], orthogonal)
        self.crossed = s.calc(eq(b.T @ st.R @ a, zeros), *facts)
        paired = s.calc(eq(b.T @ st.C, zero(b.cols, st.d)), *st.moments, orthogonal)
        facts = (whole, self.crossed, paired, st.R_symmetric, st.C_symmetric)
        P, Q = a.T @ st.R @ a, b.T @ st.R @ b
        gap = 2 * tr(P @ Q) + tr(Q @ Q)
        forms = [s.spec(st.form, self.A), (s.spec(st.form, a), -1)]
        return s.lin(eq(st.spec.loss(self.A), st.spec.loss(a) + gap), forms, *facts)

    def _no_square(self, minimal: Line) -> tuple[Line, Expr, Line]:
        """Q = 0, since L(A) ≤ L(A_in) and tr PQ = ‖ΓᵀA_inA_outᵀΓ‖² ≥ 0, R = ΓΓᵀ."""
        st, s, a, b = self.st, self.s, self.a, self.b
        W, rooted = root(s, st.R_psd, "Γ")
        Q = b.T @ st.R @ b
        claim = num(0) <= tr(a.T @ st.R @ a @ Q)
        self.nonnegative = s.lin(claim, [square_norm(s, W.T @ a @ b.T @ W)], rooted)
        less = s.spec(unfolded(s, minimal), a)
        below = s.lin(tr(Q.T @ Q) <= 0, [less, (self.gap, 1), self.nonnegative], st.R_symmetric)
        return vanishes_below(s, Q, below), W, rooted

    def _vanishes(self, Q: Line, W: Expr, rooted: Line) -> Line:
        """A_out = 0, from Q = 0."""
        s, b = self.s, self.b
        flat = s.lin(eq(tr((W.T @ b).T @ (W.T @ b)), 0), [(Q, 1, eye(b.cols), eye(b.cols)), (rooted, 1, b.T, b)])
        return self.st.cancelled(rooted, vanishes(s, W.T @ b, flat))


class ClosedForm:
    """For R = ΓΓᵀ and Y = Γ⁻¹CΓ⁻ᵀ: L(A) = ‖ΓᵀAAᵀΓ − Y‖² − ‖Y‖², and Γ is invertible, so Eckart and Young apply."""

    def __init__(self, st: SpectralSetting, A: Expr, G: Expr, rooted: Line) -> None:
        """Take a map, and a line R = ΓΓᵀ."""
        self.st, self.s, self.A, self.G, self.rooted = st, st.s, A, G, rooted
        self.Y = minv(G) @ st.C @ minv(G).T
        self.part = st.spec.top_part(self.Y, A.cols, G.T @ A @ A.T @ G)

    @cached_property
    def inverses(self) -> tuple[Line, Line]:
        """ΓΓ⁻¹ = I and Γ⁻¹Γ = I."""
        s, st, G = self.s, self.st, self.G
        one, candidate = eye(st.d), G.T @ minv(st.R)
        right = s.lin(eq(G @ candidate, one), [(self.rooted, 1, one, minv(st.R)), st.R_inverse[0]])
        left, named = s.parts(s.mp(s.apply("inverse", [], [G, candidate]), right))
        first = s.lin(eq(G @ minv(G), one), [(named, 1, G, one), right])
        second = s.lin(eq(minv(G) @ G, one), [(named, 1, one, G), left])
        return first, second

    @cached_property
    def rewrites(self) -> tuple[Line, ...]:
        """R = ΓΓᵀ and the inverses, to rewrite with, and C = Cᵀ."""
        return (self.st.C_symmetric, self.rooted, *self.inverses)

    def error(self, F: Expr) -> Expr:
        """‖FFᵀ − Y‖²."""
        apart = F @ F.T - self.Y
        return tr(apart.T @ apart)

    def square(self, X: Expr) -> Line:
        """L(X) = ‖ΓᵀXXᵀΓ − Y‖² − ‖Y‖²."""
        s, st = self.s, self.st
        claim = eq(st.spec.loss(X), self.error(self.G.T @ X) - tr(self.Y.T @ self.Y))
        return s.lin(claim, [s.spec(st.form, X)], *self.rewrites)

    def equivalence(self) -> Line:
        """MinimisesSpectral(A) ⟺ ΓᵀAAᵀΓ is the part of Y on its r largest eigenvalues, without the negative ones."""
        s, st, A, F = self.s, self.st, self.A, self.G.T @ self.A
        symmetric = s.calc(eq(self.Y, self.Y.T), st.C_symmetric)
        law = s.mp(s.apply("best_approximation", [], [self.Y, F]), symmetric)
        minimises, X, Z = st.spec.minimises(A), fresh(A.sort, "X"), fresh(A.sort, "Z")
        own = self.square(A)

        supposed = s.assume(minimises)  # every Z is ΓᵀX with X = Γ⁻ᵀZ
        moved = minv(self.G).T @ Z
        less = s.spec(unfolded(s, supposed), moved)
        best = s.lin(self.error(F) <= self.error(Z), [less, own, self.square(moved)], *self.rewrites)
        forth = s.discharge(s.gen(best, Z), supposed)

        level = s.assume(forth.right)
        less = s.lin(st.spec.loss(A) <= st.spec.loss(X), [s.spec(level, self.G.T @ X), own, self.square(X)])
        back = s.discharge(folded(s, minimises, s.gen(less, X)), level)

        shape = s.calc(eq(F @ F.T, self.G.T @ A @ A.T @ self.G))
        top = s.rewrite(shape, s.taut(iff(minimises, law.right), law, forth, back))
        return s.taut(iff(minimises, self.part), top, definition(s, self.part))


class Reach:
    """A map A with vᵀCv ≤ vᵀRAAᵀRv for every v has S_F ⊆ Col(A), for δ > 0 where δ vᵀSv ≤ vᵀCv.

    Let A = FH with FX = I for some X on the left of F, and H with an inverse on its right; T = I − F(FᵀRF)⁻¹FᵀR. For
    v = TTᵀμ_k, AᵀRv = 0: so vᵀCv ≤ 0 and μ_kᵀv = ‖Tᵀμ_k‖² = 0. So R⁻¹μ_k = F(FᵀRF)⁻¹Fᵀμ_k, and
    Σ̄⁻¹μ_k = R⁻¹μ_k + Σ_l w_l R⁻¹μ_l (μ_lᵀΣ̄⁻¹μ_k).
    """

    def __init__(self, st: SpectralSetting, A: Expr, above: Line) -> None:
        """Choose the factors F and H of A; `above` says ∀v. δ vᵀSv ≤ vᵀCv."""
        self.st, self.above, s = st, above, st.s
        self.s, self.A = s, A
        found = s.obtain(s.apply("factorisation", [], [A]), "ρ", "F", "F⁺", "H", "H⁺")
        (self.rank, self.F, self.F_left, self.H, self.H_right), line = found
        self.product, self.left, self.right = s.parts(line)
        self.gram = gram_inverse(s, st.R_definite, self.left, self.F)
        self.inner = minv(self.F.T @ st.R @ self.F)
        self.T = eye(st.d) - self.F @ self.inner @ self.F.T @ st.R

    def whitened(self, bound: Line) -> Line:
        """∀k. R⁻¹μ_k = F(FᵀRF)⁻¹Fᵀμ_k, from ∀v. vᵀCv ≤ vᵀRAAᵀRv."""
        st, s, T, d = self.st, self.s, self.T, self.st.d
        k = fresh(Index(st.K), "k")
        mean, mark = st.mu(k), s.mark()
        vector, named = s.let("v", T @ T.T @ mean)
        orthogonal = s.lin(  # AᵀRv = HᵀFᵀRTTᵀμ_k, and FᵀRT = 0
            eq(self.A.T @ st.R @ vector, zero(self.A.cols)),
            [(self.gram[0], 1, self.H.T, self.F.T @ st.R @ T.T @ mean)],
            self.product,
            named,
        )
        low = s.lin(
            tr(vector.T @ st.C @ vector) <= 0,
            [s.spec(bound, vector), (orthogonal, 1, vector.T @ st.R @ self.A, eye(1))],
            st.R_symmetric,
        )
        square = self._no_share(vector, low, k)
        inside = vanishes(
            s, T.T @ mean, s.lin(eq(tr((T.T @ mean).T @ (T.T @ mean)), 0), [square, (named, 1, mean.T, eye(1))])
        )
        projected = self.F @ self.inner @ self.F.T @ mean
        parts = [(inside, 1, minv(st.R), eye(1)), (st.R_inverse[1], 1, eye(d), projected)]
        line = s.release(s.lin(eq(minv(st.R) @ mean, projected), parts, st.R_symmetric, self.gram[2]), mark)
        s.forget(mark)
        return s.gen(line, k)

    def _no_share(self, vector: Expr, low: Line, k: Expr) -> Line:
        """tr(μ_kᵀv) = 0 from vᵀCv ≤ 0: each δ w_k (μ_kᵀv)² is 0."""
        st, s, j = self.st, self.s, fresh(Index(self.st.K), "j")
        bias = st.hypothesis("bias-positive")

        def score(i: Expr) -> Expr:
            return tr(st.mu(i).T @ vector)

        weight = s.apply("product", [[bias, s.spec(st.positive, j)]])
        part = s.apply("product", [[weaken(s, weight), square_nonnegative(s, score(j))]])
        part = s.gen(s.lin(num(0) <= st.delta * st.w(j) * (score(j) * score(j)), [part]), j)
        share = total(st.K, lambda i: st.delta * st.w(i) * (score(i) * score(i)))
        whole = s.lin(share <= 0, [low, s.spec(self.above, vector)], st.unfold(st.mix.S))
        none = summand_vanishes(s, part, whole, k)
        own = s.lin(num(0) < st.delta * st.w(k), [s.apply("product", [[bias, s.spec(st.positive, k)]])])
        cancel = s.mp(s.apply("reciprocal", [], [own.right]), positive_nonzero(s, own))
        square = s.lin(eq(score(k) * score(k), 0), [(none, inv(own.right)), (cancel, score(k) * score(k))])
        return root_vanishes(s, square)

    def coordinates(self, k: Expr) -> Expr:
        """Y_k with Σ̄⁻¹μ_k = FY_k."""
        st = self.st

        def own(i: Expr) -> Expr:
            return self.inner @ self.F.T @ st.mu(i)

        slope = minv(st.mix.sigma_bar) @ st.mu(k)
        return own(k) + total(st.K, lambda i: st.w(i) * (own(i) @ st.mu(i).T @ slope))

    def reached(self, whitened: Line) -> Line:
        """∀k. Σ̄⁻¹μ_k = FY_k."""
        st, s, k = self.st, self.s, fresh(Index(self.st.K), "k")
        one = st.sigma_inverse[0]
        slope = minv(st.mix.sigma_bar) @ st.mu(k)
        resolved = s.lin(  # R Σ̄⁻¹μ_k = μ_k + S Σ̄⁻¹μ_k
            eq(slope, minv(st.R) @ st.mu(k) + minv(st.R) @ st.mix.S @ slope),
            [
                (st.R_inverse[1], 1, eye(st.d), slope),
                (st.R_parts, 1, minv(st.R), slope),
                (one, 1, minv(st.R), st.mu(k)),
            ],
        )
        line = s.lin(eq(slope, self.F @ self.coordinates(k)), [resolved], st.unfold(st.mix.S), whitened)
        return s.gen(line, k)

    def spans(self, reached: Line) -> Line:
        """SpansFisher(A): Σ̄⁻¹μ_k = AH⁺Y_k."""
        st, s, k = self.st, self.s, fresh(Index(self.st.K), "k")
        claim = exists(Col(self.A.cols), lambda c: eq(reached_left(st, k), self.A @ c))
        witness = self.H_right @ self.coordinates(k)
        parts = [
            s.spec(reached, k),
            (self.product, 1, eye(st.d), witness),
            (self.right, 1, self.F, self.coordinates(k)),
        ]
        line = s.exhibit(claim, witness, s.lin(eq(reached_left(st, k), self.A @ witness), parts))
        return folded(s, st.mix.spans_fisher(self.A), s.gen(line, k))


def reached_left(st: SpectralSetting, k: Expr) -> Expr:
    """Σ̄⁻¹μ_k."""
    return minv(st.mix.sigma_bar) @ st.mu(k)
