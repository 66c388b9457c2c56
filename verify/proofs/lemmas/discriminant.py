"""Lemma: Ky Fan's maximum principle for Fisher's discriminant J(A) = tr[(AᵀΣ̄A)⁻¹AᵀSA].

Let PᵀΣ̄P = I and SPe_i = κ_iΣ̄Pe_i. For a matrix F of q independent columns J(F) = Σ κ_i a_i, where a_i is the squared
length of the projection of Pe_i to Col(F) in the inner product of Σ̄: 0 ≤ a_i ≤ 1 and Σ a_i = q. So J(F) is at most the
sum of q largest κ_i, and at least Σ s_iκ_i if each Pe_i with s_i = 1 lies in Col(F).
"""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas.fisher import discriminant
from thmverify.formulas.spectral import Spectral
from thmverify.formulas.subspaces import independent_columns
from thmverify.kernel.proofs.terms import instantiate
from thmverify.proofs.expressions import (
    Expr,
    Index,
    Mat,
    Size,
    conj,
    eq,
    eye,
    fn,
    fresh,
    minv,
    num,
    real,
    total,
    tr,
    unit,
)
from thmverify.proofs.lemmas.basic import definition, folded, unfolded
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.selection import Chosen, selection
from thmverify.proofs.lemmas.subspaces import gram_inverse
from thmverify.proofs.script import Line


class TopSpace:
    """A map A with TopEigenspace(A), supposed: P, κ and s are chosen."""

    def __init__(self, st: Setting, A: Expr, scatter: Line) -> None:
        """Suppose TopEigenspace(A), choose P, κ and s; `scatter` says ∀v. 0 ≤ vᵀSv."""
        self.st, self.scatter, s = st, scatter, st.s
        self.s, self.A, self.space = s, A, Spectral(st.mix)
        self.mark = s.mark()
        self.supposed = s.assume(self.space.top_eigenspace(A))
        (self.P, self.kappa, self.chosen), line = s.obtain(unfolded(s, self.supposed), "P", "κ", "s")
        parts = s.parts(line)
        self.normal, self.eigen, self.binary, self.few, self.ordered, self.enough, self.within, self.spanned = parts

    @cached_property
    def complete(self) -> Line:
        """PPᵀΣ̄ = I."""
        s, P, Sb = self.s, self.P, self.st.mix.sigma_bar
        return s.parts(s.mp(s.apply("inverse", [], [P.T @ Sb, P]), self.normal))[0]

    @cached_property
    def nonnegative(self) -> Line:
        """∀i. 0 ≤ κ_i: it is (Pe_i)ᵀS(Pe_i)."""
        s, P, i = self.s, self.P, fresh(Index(self.st.d), "i")
        v = P @ unit(i)
        form = s.spec(self.scatter, v)
        parts = [form, (s.spec(self.eigen, i), 1, v.T, eye(1))]
        return s.gen(s.lin(num(0) <= self.kappa(i), parts, self.normal), i)

    @cached_property
    def spectrum(self) -> Line:
        """S = Σ_i κ_i Σ̄Pe_ie_iᵀPᵀΣ̄."""
        s, P, Sb, S = self.s, self.P, self.st.mix.sigma_bar, self.st.mix.S
        d, one, i = self.st.d, eye(self.st.d), fresh(Index(self.st.d), "i")
        row = unit(i).T @ P.T @ Sb
        part = s.lin(
            eq(S @ P @ unit(i) @ row, self.kappa(i) * (Sb @ P @ unit(i) @ row)), [(s.spec(self.eigen, i), 1, one, row)]
        )
        whole = s.same(total(d, lambda i: S @ P @ unit(i) @ unit(i).T @ P.T @ Sb), s.gen(part, i))
        parts = [(self.complete, 1, S, one), (s.apply("units", [], [one]), 1, S @ P, P.T @ Sb), whole]
        return s.lin(eq(S, whole.right), parts)

    @cached_property
    def numbers(self) -> Chosen:
        """κ and s with what is known of them."""
        return Chosen(self.st.d, self.kappa, self.chosen, self.nonnegative, self.binary, self.ordered, self.enough)

    def share(self, F: Expr, left_inverse: Line) -> Share:
        """The shares of the Pe_i in Col(F), for F⁺F = I."""
        return Share(self, F, left_inverse)

    def best(self, F: Expr, inside: Line) -> Line:
        """BestDiscriminant(F, r), from Σ_i s_iκ_i ≤ J(F)."""
        s, mix, r = self.s, self.st.mix, self.A.cols
        count = fresh(Size, "q")
        B, mark = fresh(Mat(self.st.d, count), "B"), s.mark()
        given = s.assume(conj(real(count) <= real(r), independent_columns(s, B)))
        few, independent = s.parts(given)
        (_,), left = s.obtain(unfolded(s, independent), "B⁺")
        share = self.share(B, left)
        bounded = selection(
            s,
            self.numbers,
            share.family,
            share.low,
            share.high,
            s.lin(total(self.st.d, share.at) <= real(r), [share.count, few]),
        )
        line = s.lin(discriminant(mix, B) <= discriminant(mix, F), [share.value, bounded, inside])
        line = s.gen(s.discharge(s.release(line, mark), given), count, B)
        s.forget(mark)
        return folded(s, self.space.best_discriminant(F, r), line)

    def reached(self, F: Expr, left: Line, factor: Expr, product: Line) -> Line:
        """Σ_i s_iκ_i ≤ J(F), from F⁺F = I and A = FC."""
        s, share, i = self.s, self.share(F, left), fresh(Index(self.st.d), "i")
        chosen, kappa = self.chosen(i), self.kappa(i)
        claim = chosen * kappa <= kappa * share.at(i)
        none, one = s.assume(eq(chosen, 0)), s.assume(eq(chosen, 1))
        low = s.apply("product", [[s.spec(self.nonnegative, i), s.spec(share.low, i)]])
        first = s.discharge(s.lin(claim, [low], none), none)
        mark = s.mark()
        (c,), spanned = s.obtain(s.mp(s.spec(self.spanned, i), one), "c")
        spanned = s.lin(eq(self.P @ unit(i), F @ factor @ c), [spanned, (product, 1, eye(self.st.d), c)])
        whole = s.release(share.whole(i, factor @ c, spanned), mark)
        s.forget(mark)
        second = s.discharge(s.lin(claim, [(whole, kappa)], one), one)
        part = s.taut(claim, s.spec(self.binary, i), first, second)
        summed = s.apply("sum_order", [[s.gen(part, i)]])
        return s.lin(
            total(self.st.d, lambda i: self.chosen(i) * self.kappa(i)) <= discriminant(self.st.mix, F),
            [summed, share.value],
        )

    def line(self) -> Line:
        """TopEigenspace(A) ⟹ BestColumnSpace(A)."""
        s, A, mark = self.s, self.A, self.s.mark()
        count = fresh(Size, "q")
        F = fresh(Mat(self.st.d, count), "F")
        claim = self.space.best_column_space(A)
        body = definition(s, claim).right.term
        for x in (count, F):
            body = instantiate(body.args[1], x.term)
        given = s.assume(Expr(body).left)
        independent, _, product = s.parts(given)
        (_,), left = s.obtain(unfolded(s, independent), "F⁺")
        (C,), product = s.obtain(unfolded(s, product), "C")
        found = self.best(F, self.reached(F, left, C, product))
        found = s.gen(s.discharge(s.release(found, mark), given), count, F)
        s.forget(mark)
        found = s.release(folded(s, claim, found), self.mark)
        return s.discharge(found, self.supposed)


class Share:
    """The matrix F with independent columns: G = FᵀΣ̄F, and the shares a_i = (Pe_i)ᵀΣ̄FG⁻¹FᵀΣ̄Pe_i."""

    def __init__(self, space: TopSpace, F: Expr, left_inverse: Line) -> None:
        """Take F⁺F = I."""
        self.space, self.s, self.st, self.F = space, space.s, space.st, F
        self.gram = gram_inverse(self.s, self.st.sigma_definite, left_inverse, F)
        self.inner = minv(F.T @ self.st.mix.sigma_bar @ F)

    def projected(self, i: Expr) -> Expr:
        """FG⁻¹FᵀΣ̄Pe_i."""
        return self.F @ self.inner @ self.F.T @ self.st.mix.sigma_bar @ self.space.P @ unit(i)

    def at(self, i: Expr) -> Expr:
        """a_i."""
        return tr(unit(i).T @ self.space.P.T @ self.st.mix.sigma_bar @ self.projected(i))

    @property
    def family(self) -> Expr:
        """a."""
        return fn(Index(self.st.d), self.at)

    @property
    def rewrites(self) -> tuple[Line, ...]:
        """Σ̄ and G⁻¹ are symmetric."""
        return self.st.sigma_symmetric, self.gram[2]

    @cached_property
    def value(self) -> Line:
        """J(F) = Σ_i κ_i a_i."""
        s, J, F = self.s, discriminant(self.st.mix, self.F), self.F
        claim = eq(J, total(self.st.d, lambda i: self.space.kappa(i) * self.at(i)))
        parts = [definition(s, J), (self.space.spectrum, 1, self.inner @ F.T, F)]
        return s.lin(claim, parts, *self.rewrites)

    @cached_property
    def low(self) -> Line:
        """∀i. 0 ≤ a_i."""
        s, i, F, Sb = self.s, fresh(Index(self.st.d), "i"), self.F, self.st.mix.sigma_bar
        v, P = self.projected(i), self.space.P @ unit(i)
        form = s.spec(s.parts(self.st.sigma_psd)[-1], v)  # v = FG⁻¹w has vᵀΣ̄v = wᵀG⁻¹GG⁻¹w
        part = (self.gram[1], 1, P.T @ Sb @ F, self.inner @ F.T @ Sb @ P)
        return s.gen(s.lin(num(0) <= self.at(i), [form, part], *self.rewrites), i)

    @cached_property
    def high(self) -> Line:
        """∀i. a_i ≤ 1."""
        s, i, F, Sb = self.s, fresh(Index(self.st.d), "i"), self.F, self.st.mix.sigma_bar
        P = self.space.P @ unit(i)
        form = s.spec(s.parts(self.st.sigma_psd)[-1], P - self.projected(i))
        parts = [
            form,
            (self.gram[1], 1, P.T @ Sb @ F, self.inner @ F.T @ Sb @ P),
            (self.space.normal, 1, unit(i).T, unit(i)),
        ]
        return s.gen(s.lin(self.at(i) <= 1, parts, *self.rewrites), i)

    @cached_property
    def count(self) -> Line:
        """Σ_i a_i = q."""
        s, F, Sb, P, d = self.s, self.F, self.st.mix.sigma_bar, self.space.P, self.st.d
        whole = P.T @ Sb @ F @ self.inner @ F.T @ Sb @ P
        parts = [
            (s.apply("units", [], [eye(d)]), 1, whole, eye(d)),
            (self.space.complete, 1, eye(d), F @ self.inner @ F.T @ Sb),
            (self.gram[1], 1, eye(F.cols), eye(F.cols)),
        ]
        return s.lin(eq(total(d, self.at), real(F.cols)), parts, *self.rewrites)

    def whole(self, i: Expr, c: Expr, spanned: Line) -> Line:
        """a_i = 1 from Pe_i = Fc."""
        s, F, Sb, P = self.s, self.F, self.st.mix.sigma_bar, self.space.P @ unit(i)
        parts = [
            (spanned, 1, P.T @ Sb @ F @ self.inner @ F.T @ Sb, eye(1)),
            (self.gram[1], 1, P.T @ Sb @ F, c),
            (spanned, 1, P.T @ Sb, eye(1)),
            (self.space.normal, 1, unit(i).T, unit(i)),
        ]
        return s.lin(eq(self.at(i), 1), parts)
