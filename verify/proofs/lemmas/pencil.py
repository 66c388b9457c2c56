"""Lemmas about the spectral contrastive loss of a centred mixture: its minimisers are eigenvectors of (S, Σ̄)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from thmverify.kernel.proofs.terms import instantiate
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    conj,
    disj,
    eq,
    exists,
    exp,
    eye,
    fn,
    forall,
    fresh,
    inv,
    log,
    minv,
    num,
    real,
    total,
    tr,
    unit,
    zero,
)
from thmverify.proofs.lemmas.algebra import root
from thmverify.proofs.lemmas.basic import (
    definition,
    folded,
    log_exp,
    positive_nonzero,
    reciprocal_positive,
    sandwich,
    unfolded,
    vanishes,
    weaken,
)
from thmverify.proofs.lemmas.spectral import ClosedForm, SpectralSetting
from thmverify.proofs.script import Line


class Pencil:
    """Eigenvectors Qe_i of (C, R), QᵀRQ = I, and the choice s of those that make up AAᵀ = Σ s_iλ_i Qe_ie_iᵀQᵀ."""

    def __init__(self, st: SpectralSetting, A: Expr, minimal: Line) -> None:
        """Choose a root Γ of R, and U, λ, s by Eckart and Young: Q = Γ⁻ᵀU."""
        self.st, s = st, st.s
        self.s, self.A, self.d = s, A, st.d
        G, rooted = root(s, st.R_psd, "Γ")
        closed = ClosedForm(st, A, G, rooted)
        top = s.mp(closed.equivalence(), minimal)
        (U, self.value, self.chosen), line = s.obtain(unfolded(s, top), "U", "λ", "s")
        self.unitary, _, spectrum, part, self.binary, self.few, self.low, self.order, self.enough = s.parts(line)
        self.Q, named = s.let("Q", minv(G).T @ U)
        one, i = eye(self.d), fresh(Index(self.d), "i")
        first, second = closed.inverses
        Q, R, C = self.Q, st.R, st.C
        facts = (named, rooted, first, second)
        self.normal = s.lin(eq(Q.T @ R @ Q, one), [self.unitary], *facts)
        # Cq = Γ(Γ⁻¹CΓ⁻ᵀ)Ue_i = λ_iΓUe_i, and Rq = ΓUe_i
        target = s.calc(eq(C @ Q @ unit(i), G @ closed.Y @ U @ unit(i)), *facts)
        parts = [target, (spectrum, 1, G, U @ unit(i))]
        eigen = s.lin(eq(C @ Q @ unit(i), self.value(i) * (R @ Q @ unit(i))), parts, *facts, self.unitary)
        self.eigen = s.gen(eigen, i)
        inverse = minv(G)
        body = total(self.d, lambda i: self.chosen(i) * self.value(i) * (Q @ unit(i) @ unit(i).T @ Q.T))
        self.square = s.lin(eq(A @ A.T, body), [(part, 1, inverse.T, inverse)], *facts)


class Shifted:
    """Centred: Sq_i = κ_iΣ̄q_i with κ_i = λ_i g_i, g_i = (δ − λ_i)⁻¹ > 0; P has the columns q_i/√(q_iᵀΣ̄q_i)."""

    def __init__(self, pencil: Pencil) -> None:
        """Name σ_i = q_iᵀΣ̄q_i and g_i, κ_i, τ_i = σ_i^(−1/2)."""
        self.p, self.st, s = pencil, pencil.st, pencil.s
        self.s, self.d, self.Q, self.i = s, pencil.d, pencil.Q, fresh(Index(pencil.d), "i")
        st, d, Sb = self.st, self.d, self.st.mix.sigma_bar
        self.bias = st.hypothesis("bias-positive")
        self.index = [Index(d)]
        self.sigma, self.sigma_named = s.let_family("σ", self.index, lambda i: tr(self.q(i).T @ Sb @ self.q(i)))
        self.g, self.g_named = s.let_family("g", self.index, lambda i: inv(st.delta - pencil.value(i)))
        self.kappa, self.kappa_named = s.let_family("κ", self.index, lambda i: pencil.value(i) * self.g(i))
        self.tau, self.tau_named = s.let_family("τ", self.index, lambda i: exp(num("-1/2") * log(self.sigma(i))))

    def q(self, i: Expr) -> Expr:
        """q_i = Qe_i."""
        return self.Q @ unit(i)

    @cached_property
    def scatter(self) -> Line:
        """∀i. δSq_i = λ_iRq_i."""
        s, i, st = self.s, self.i, self.st
        claim = eq(st.delta * (st.mix.S @ self.q(i)), self.p.value(i) * (st.R @ self.q(i)))
        return s.gen(s.lin(claim, [s.spec(self.p.eigen, i), (st.centred, 1, eye(self.d), self.q(i))]), i)

    @cached_property
    def positive(self) -> Line:
        """∀i. 0 < σ_i: q_i ≠ 0, since q_iᵀRq_i = 1."""
        s, i, st, q = self.s, self.i, self.st, self.q(self.i)
        none = s.assume(eq(q, zero(self.d)))
        absurd = s.lin(eq(num(1), 0), [(none, 1, q.T @ st.R, eye(1)), (self.p.normal, 1, unit(i).T, unit(i))])
        absurd = s.lin(num(1) <= 0, [absurd])
        nonzero = s.taut(~none.formula, s.discharge(absurd, none), s.calc(num(0) < 1))
        strict = s.mp(s.spec(s.parts(st.sigma_definite)[1], q), nonzero)
        return s.gen(s.lin(num(0) < self.sigma(i), [strict, s.spec(self.sigma_named, i)]), i)

    @cached_property
    def share(self) -> Line:
        """∀i. δσ_i = δ − λ_i: 1 = q_iᵀRq_i = σ_i + q_iᵀSq_i, and δq_iᵀSq_i = λ_i."""
        s, i, st, q = self.s, self.i, self.st, self.q(self.i)
        parts = [
            (s.spec(self.sigma_named, i), st.delta),
            (self.p.normal, st.delta, unit(i).T, unit(i)),
            (self.p.normal, self.p.value(i), unit(i).T, unit(i)),
            (st.R_parts, st.delta, q.T, q),
            (s.spec(self.scatter, i), 1, q.T, eye(1)),
        ]
        return s.gen(s.lin(eq(st.delta * self.sigma(i), st.delta - self.p.value(i)), parts), i)

    @cached_property
    def nonnegative(self) -> Line:
        """∀i. 0 ≤ λ_i: it is δq_iᵀSq_i."""
        s, i, st, q = self.s, self.i, self.st, self.q(self.i)
        form = s.apply("product", [[weaken(s, self.bias), s.spec(st.S_nonnegative, q)]])
        normal = (self.p.normal, self.p.value(i), unit(i).T, unit(i))
        return s.gen(s.lin(num(0) <= self.p.value(i), [form, (s.spec(self.scatter, i), 1, q.T, eye(1)), normal]), i)

    @cached_property
    def gap(self) -> tuple[Line, Line]:
        """∀i. (δ − λ_i)g_i = 1 and ∀i. 0 < g_i."""
        s, i, st = self.s, self.i, self.st
        whole = s.apply("product", [[self.bias, s.spec(self.positive, i)]])
        above = s.lin(num(0) < st.delta - self.p.value(i), [whole, s.spec(self.share, i)])
        one = s.mp(s.apply("reciprocal", [], [above.right]), positive_nonzero(s, above))
        named = s.spec(self.g_named, i)
        one = s.lin(eq((st.delta - self.p.value(i)) * self.g(i), 1), [one, (named, st.delta - self.p.value(i))])
        high = s.lin(num(0) < self.g(i), [reciprocal_positive(s, above), named])
        return s.gen(one, i), s.gen(high, i)

    @cached_property
    def eigen(self) -> Line:
        """∀i. Sq_i = κ_iΣ̄q_i: (δ − λ_i)Sq_i = λ_iΣ̄q_i."""
        s, i, st, q = self.s, self.i, self.st, self.q(self.i)
        S, Sb, g = st.mix.S, st.mix.sigma_bar, self.g(self.i)
        parts = [
            (s.spec(self.scatter, i), g),
            (st.R_parts, self.p.value(i) * g, eye(self.d), q),
            (s.spec(self.kappa_named, i), Sb @ q),
            (s.spec(self.gap[0], i), S @ q),
        ]
        return s.gen(s.lin(eq(S @ q, self.kappa(i) * (Sb @ q)), parts), i)

    @cached_property
    def across(self) -> Line:
        """∀i. QᵀΣ̄q_i = σ_ie_i: QᵀRq_i = e_i and δQᵀSq_i = λ_ie_i."""
        s, i, st, q, Q = self.s, self.i, self.st, self.q(self.i), self.Q
        Sb, d, low = st.mix.sigma_bar, st.delta, inv(st.delta)
        cancel = s.mp(s.apply("reciprocal", [], [d]), positive_nonzero(s, self.bias))
        parts = [  # δQᵀΣ̄q_i = δσ_ie_i
            (st.R_parts, d, Q.T, q),
            (self.p.normal, d, eye(self.d), unit(i)),
            (s.spec(self.scatter, i), 1, Q.T, eye(1)),
            (self.p.normal, self.p.value(i), eye(self.d), unit(i)),
            (s.spec(self.share, i), unit(i)),
        ]
        whole = s.lin(eq(d * (Q.T @ Sb @ q), d * self.sigma(i) * unit(i)), parts)
        parts = [(whole, low), (cancel, Q.T @ Sb @ q), (cancel, self.sigma(i) * unit(i))]
        return s.gen(s.lin(eq(Q.T @ Sb @ q, self.sigma(i) * unit(i)), parts), i)

    @cached_property
    def scale(self) -> Line:
        """∀i. σ_iτ_iτ_i = 1."""
        s, i = self.s, self.i
        power = log_exp(s, s.spec(self.positive, i))  # exp log σ_i = σ_i
        claim = eq(self.sigma(i) * self.tau(i) * self.tau(i), 1)
        return s.gen(s.lin(claim, [(power, exp(-log(self.sigma(i))))], self.tau_named), i)

    @cached_property
    def columns(self) -> tuple[Expr, Line]:
        """P and the line P = Σ_i τ_i q_ie_iᵀ."""
        return self.s.let("P", total(self.d, lambda i: self.tau(i) * (self.q(i) @ unit(i).T)))

    @cached_property
    def column(self) -> Line:
        """∀i. Pe_i = τ_iq_i."""
        s, i, (P, named) = self.s, self.i, self.columns
        return s.gen(s.calc(eq(P @ unit(i), self.tau(i) * self.q(i)), named), i)

    @cached_property
    def normal(self) -> Line:
        """PᵀΣ̄P = I."""
        s, st, one, (P, named) = self.s, self.st, eye(self.d), self.columns
        claim = eq(P.T @ st.mix.sigma_bar @ P, one)
        return s.lin(claim, [(s.apply("units", [], [one]), 1, one, one)], named, self.across, self.scale)

    @cached_property
    def eigenvectors(self) -> Line:
        """∀i. SPe_i = κ_iΣ̄Pe_i."""
        s, i, st, (P, _) = self.s, self.i, self.st, self.columns
        claim = eq(st.mix.S @ P @ unit(i), self.kappa(i) * (st.mix.sigma_bar @ P @ unit(i)))
        return s.gen(s.lin(claim, [(s.spec(self.eigen, i), self.tau(i))], self.column), i)

    def larger(self, i: Expr, j: Expr, line: Line) -> Line:
        """κ_j ≤ κ_i from λ_j ≤ λ_i: κ_i − κ_j = δ(λ_i − λ_j)g_ig_j."""
        s, (one, positive), value = self.s, self.gap, self.p.value
        both = s.apply("product", [[weaken(s, s.spec(positive, i)), weaken(s, s.spec(positive, j))]])
        whole = s.apply("product", [[s.apply("product", [[weaken(s, self.bias), line]]), both]])
        parts = [
            whole,
            (s.spec(self.kappa_named, i), 1),
            (s.spec(self.kappa_named, j), 1),
            (s.spec(one, i), value(j) * self.g(j)),
            (s.spec(one, j), value(i) * self.g(i)),
        ]
        return s.lin(self.kappa(j) <= self.kappa(i), parts)

    def level(self, i: Expr, zero_value: Line) -> Line:
        """κ_i = 0 from λ_i = 0."""
        return self.s.lin(eq(self.kappa(i), 0), [self.s.spec(self.kappa_named, i), (zero_value, self.g(i))])


class Choice:
    """t_i = s_i where λ_i ≠ 0, and 0 elsewhere: a choice of r largest κ_i whose eigenvectors span Col(A)."""

    def __init__(self, shifted: Shifted) -> None:
        """Name t_i = s_iλ_iλ_i⁻¹, where 0⁻¹ = 0."""
        self.h, self.p, s = shifted, shifted.p, shifted.s
        self.s, self.st, self.d, self.i, self.j = s, shifted.st, shifted.d, shifted.i, fresh(Index(shifted.d), "j")
        p = self.p
        self.t, self.named = s.let_family("t", shifted.index, lambda i: p.chosen(i) * p.value(i) * inv(p.value(i)))

    # -- one index ----------------------------------------------------------------------------------------------------

    def dropped(self, i: Expr) -> Line:
        """λ_i = 0 ⟹ t_i = 0."""
        s, none = self.s, self.s.assume(eq(self.p.value(i), 0))
        factor = self.p.chosen(i) * inv(self.p.value(i))
        return s.discharge(s.lin(eq(self.t(i), 0), [s.spec(self.named, i), (none, factor)]), none)

    def kept(self, i: Expr) -> Line:
        """λ_i ≠ 0 ⟹ t_i = s_i."""
        s, some = self.s, self.s.assume(~eq(self.p.value(i), 0))
        one = s.mp(s.apply("reciprocal", [], [self.p.value(i)]), some)
        return s.discharge(
            s.lin(eq(self.t(i), self.p.chosen(i)), [s.spec(self.named, i), (one, self.p.chosen(i))]), some
        )

    def binary_at(self, i: Expr) -> Line:
        """t_i = 0 ∨ t_i = 1."""
        s, t, chosen = self.s, self.t(i), self.p.chosen(i)
        same = s.assume(eq(t, chosen))
        cases = []
        for value in (0, 1):
            case = s.assume(eq(chosen, value))
            cases.append(s.discharge(s.lin(eq(t, value), [same, case]), same, case))
        return s.taut(disj(eq(t, 0), eq(t, 1)), s.spec(self.p.binary, i), self.dropped(i), self.kept(i), *cases)

    def taken(self, i: Expr) -> Line:
        """t_i = 1 ⟹ s_i = 1 ∧ λ_i ≠ 0."""
        s, t, chosen, one = self.s, self.t(i), self.p.chosen(i), self.s.assume(eq(self.t(i), 1))
        none = s.assume(eq(t, 0))
        absurd = s.discharge(s.lin(num(1) <= 0, [s.lin(eq(num(1), 0), [one, none])]), none)
        different = s.taut(~none.formula, absurd, s.calc(num(0) < 1))
        same = s.assume(eq(t, chosen))
        chosen_one = s.discharge(s.lin(eq(chosen, 1), [same, one]), same)
        claim = conj(eq(chosen, 1), ~eq(self.p.value(i), 0))
        return s.discharge(s.taut(claim, different, self.dropped(i), self.kept(i), chosen_one), one)

    def left(self, i: Expr) -> Line:
        """t_i = 0 ⟹ s_i = 0 ∨ λ_i = 0."""
        s, none, same = self.s, self.s.assume(eq(self.t(i), 0)), self.s.assume(eq(self.t(i), self.p.chosen(i)))
        zero_chosen = s.discharge(s.lin(eq(self.p.chosen(i), 0), [same, none]), same)
        claim = disj(eq(self.p.chosen(i), 0), eq(self.p.value(i), 0))
        return s.discharge(s.taut(claim, self.kept(i), zero_chosen), none)

    # -- what TopEigenspace says --------------------------------------------------------------------------------------

    @cached_property
    def binary(self) -> Line:
        """∀i. t_i = 0 ∨ t_i = 1."""
        return self.s.gen(self.binary_at(self.i), self.i)

    @cached_property
    def few(self) -> Line:
        """Σ t_i ≤ r."""
        s, i, t, chosen = self.s, self.i, self.t(self.i), self.p.chosen(self.i)
        claim, law = t <= chosen, s.spec(self.p.binary, i)
        none, same = s.assume(eq(t, 0)), s.assume(eq(t, chosen))
        cases = [s.discharge(s.lin(claim, [same]), same)]
        for formula in law.theorem.conclusion.args:
            case = s.assume(Expr(formula))
            cases.append(s.discharge(s.lin(claim, [none], case), none, case))
        line = s.taut(claim, law, self.dropped(i), self.kept(i), *cases)
        summed = s.apply("sum_order", [[s.gen(line, i)]])
        return s.lin(total(self.d, self.t) <= real(self.st.r), [summed, self.p.few])

    @cached_property
    def ordered(self) -> Line:
        """∀i. ∀j. t_i = 1 ∧ t_j = 0 ⟹ κ_j ≤ κ_i."""
        s, i, j, h, p = self.s, self.i, self.j, self.h, self.p
        given = s.assume(conj(eq(self.t(i), 1), eq(self.t(j), 0)))
        first, second = s.parts(given)
        chosen = s.parts(s.mp(self.taken(i), first))[0]
        none, zero_value = s.assume(eq(p.chosen(j), 0)), s.assume(eq(p.value(j), 0))
        below = s.mp(s.spec(p.order, i, j), s.both(chosen, none))
        trivial = s.lin(p.value(j) <= p.value(i), [s.spec(h.nonnegative, i), zero_value])
        less = s.taut(
            below.formula, s.mp(self.left(j), second), s.discharge(below, none), s.discharge(trivial, zero_value)
        )
        return s.gen(s.discharge(h.larger(i, j, less), given), i, j)

    @cached_property
    def enough(self) -> Line:
        """Σ t_i = r ∨ ∀i. t_i = 0 ⟹ κ_i = 0.

        If some s_i = 1 has λ_i = 0, all that are not chosen have λ_j = 0. Else t = s.
        """
        s, i, p = self.s, self.i, self.p
        idle = exists(Index(self.d), lambda i: conj(eq(p.chosen(i), 1), eq(p.value(i), 0)))
        full, rest = eq(total(self.d, self.t), real(self.st.r)), self._rest
        some, none = s.assume(idle), s.assume(~idle)
        first = s.discharge(self._idle(some), some)
        count, low = (s.assume(Expr(t)) for t in p.enough.theorem.conclusion.args)
        same = s.gen(self._same(none, i), i)
        summed = s.same(total(self.d, self.t), same)
        whole = s.discharge(s.lin(full, [summed, count]), count)
        other = s.discharge(
            self._unchosen(lambda j, zero: sandwich(s, s.mp(s.spec(low, j), zero), s.spec(self.h.nonnegative, j))),
            low,
        )
        second = s.discharge(s.taut(disj(full, rest), p.enough, whole, other), none)
        return s.taut(disj(full, rest), first, second)

    @property
    def _rest(self) -> Expr:
        """∀i. t_i = 0 ⟹ κ_i = 0."""
        return forall(Index(self.d), lambda i: eq(self.t(i), 0) >> eq(self.h.kappa(i), 0))

    def _unchosen(self, value: Callable[[Expr, Line], Line]) -> Line:
        """∀i. t_i = 0 ⟹ κ_i = 0, where s_j = 0 gives λ_j = 0 by `value`."""
        s, j, p = self.s, self.j, self.p
        dropped, none = s.assume(eq(self.t(j), 0)), s.assume(eq(p.chosen(j), 0))
        found = value(j, none)
        zero_value = s.taut(eq(p.value(j), 0), s.mp(self.left(j), dropped), s.discharge(found, none))
        return s.gen(s.discharge(self.h.level(j, zero_value), dropped), j)

    def _idle(self, some: Line) -> Line:
        """∀j. t_j = 0 ⟹ κ_j = 0, from ∃i. s_i = 1 ∧ λ_i = 0."""
        s, p, mark = self.s, self.p, self.s.mark()
        (k,), line = s.obtain(some, "k")
        one, level = s.parts(line)

        def value(j: Expr, none: Line) -> Line:
            below = s.lin(p.value(j) <= 0, [s.mp(s.spec(p.order, k, j), s.both(one, none)), level])
            return sandwich(s, below, s.spec(self.h.nonnegative, j))

        line = s.release(self._unchosen(value), mark)
        s.forget(mark)
        return line

    def _same(self, none: Line, i: Expr) -> Line:
        """t_i = s_i, where no chosen λ_i is 0."""
        s, p, t, chosen = self.s, self.p, self.t(i), self.p.chosen(i)
        both = s.assume(conj(eq(chosen, 1), eq(p.value(i), 0)))
        there = s.discharge(s.exhibit(Expr(none.theorem.conclusion.args[0]), i, both), both)
        zero_t, zero_s, claim = s.assume(eq(t, 0)), s.assume(eq(chosen, 0)), eq(t, chosen)
        trivial = s.discharge(s.lin(claim, [zero_t, zero_s]), zero_t, zero_s)
        return s.taut(claim, none, there, s.spec(p.binary, i), self.dropped(i), self.kept(i), trivial)

    # -- the column space ---------------------------------------------------------------------------------------------

    @cached_property
    def square(self) -> Line:
        """AAᵀ = Σ t_iλ_i q_iq_iᵀ."""
        s, i, p = self.s, self.i, self.p
        claim = eq(p.chosen(i) * p.value(i), self.t(i) * p.value(i))
        zero_value, same = s.assume(eq(p.value(i), 0)), s.assume(eq(self.t(i), p.chosen(i)))
        first = s.discharge(s.lin(claim, [(zero_value, p.chosen(i)), (zero_value, self.t(i))]), zero_value)
        second = s.discharge(s.lin(claim, [(same, p.value(i))]), same)
        line = s.gen(s.taut(claim, first, second, self.kept(i)), i)
        return s.lin(
            eq(p.A @ p.A.T, total(self.d, lambda i: self.t(i) * p.value(i) * (self.h.q(i) @ self.h.q(i).T))),
            [p.square],
            line,
        )

    @cached_property
    def within(self) -> Line:
        """A = Σ t_i q_i q_iᵀRA: the difference D has DDᵀ = 0."""
        s, i, p, h = self.s, self.i, self.p, self.h
        R, A, d = self.st.R, p.A, self.d
        shadow = total(d, lambda i: self.t(i) * (h.q(i) @ h.q(i).T @ R @ A))
        W = eye(d) - total(d, lambda i: self.t(i) * (h.q(i) @ h.q(i).T @ R))
        claim = eq(self.t(i) * self.t(i), self.t(i))
        cases = [s.assume(Expr(t)) for t in s.spec(self.binary, i).theorem.conclusion.args]
        square = s.gen(s.taut(claim, s.spec(self.binary, i), *(s.discharge(s.calc(claim, c), c) for c in cases)), i)
        none = s.calc(eq(W @ A @ A.T, zero(d, d)), self.square, p.normal, square)
        flat = s.lin(eq(tr((W @ A).T @ (W @ A)), 0), [(none, 1, eye(d), W.T)])
        return s.lin(eq(A, shadow), [vanishes(s, W @ A, flat)])

    @cached_property
    def spanned_by(self) -> Line:
        """∃c. A = Σ t_i Pe_ic_iᵀ: q_i = σ_iτ_i Pe_i."""
        s, h, p, (P, _) = self.s, self.h, self.p, self.h.columns
        claim = exists(
            Family(self.d, Col(p.A.cols)),
            lambda c: eq(p.A, total(self.d, lambda i: self.t(i) * (P @ unit(i) @ c(i).T))),
        )
        c = fn(Index(self.d), lambda i: h.sigma(i) * h.tau(i) * (p.A.T @ self.st.R @ h.q(i)))
        reading = eq(p.A, total(self.d, lambda i: self.t(i) * (P @ unit(i) @ c(i).T)))
        line = s.lin(reading, [self.within], self.st.R_symmetric, h.column, h.scale)
        return s.exhibit(claim, c, line)

    @cached_property
    def spans(self) -> Line:
        """∀i. t_i = 1 ⟹ ∃c. Pe_i = Ac: λ_iq_i = AAᵀRq_i."""
        s, i, h, p, (P, _) = self.s, self.i, self.h, self.p, self.h.columns
        one = s.assume(eq(self.t(i), 1))
        nonzero = s.parts(s.mp(self.taken(i), one))[1]
        cancel = s.mp(s.apply("reciprocal", [], [p.value(i)]), nonzero)
        image = s.lin(
            eq(p.A @ p.A.T @ self.st.R @ h.q(i), self.t(i) * p.value(i) * h.q(i)),
            [(self.square, 1, eye(self.d), self.st.R @ h.q(i))],
            p.normal,
        )
        factor = h.tau(i) * inv(p.value(i))
        c = factor * (p.A.T @ self.st.R @ h.q(i))
        parts = [(image, factor), (cancel, h.tau(i) * h.q(i)), (one, factor * p.value(i) * h.q(i))]
        line = s.lin(eq(P @ unit(i), p.A @ c), parts, h.column)
        found = s.exhibit(exists(Col(p.A.cols), lambda c: eq(P @ unit(i), p.A @ c)), c, line)
        return s.gen(s.discharge(found, one), i)

    def line(self) -> Line:
        """TopEigenspace(A)."""
        s, h, claim = self.s, self.h, self.st.spec.top_eigenspace(self.p.A)
        lines = [
            h.normal,
            h.eigenvectors,
            self.binary,
            self.few,
            self.ordered,
            self.enough,
            self.spanned_by,
            self.spans,
        ]
        formulas, witnesses = [definition(s, claim).right], [h.columns[0], h.kappa, self.t]
        for x in witnesses:
            formulas.append(Expr(instantiate(formulas[-1].term.args[1], x.term)))
        found = s.taut(formulas.pop(), *lines)
        for x in reversed(witnesses):
            found = s.exhibit(formulas.pop(), x, found)
        return folded(s, claim, found)
