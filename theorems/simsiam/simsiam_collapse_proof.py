"""Proof of simsiam-collapse: what a singular predictor does not see may be added to A, across the means.

Let η = 0, aᵀμ_k = 0 for all k, Pv = 0, and (A, P) stationary. Ca = 0, since C is a combination of the μ_kμ_lᵀ. From
aᵀ(RAPᵀP − CAP) = 0 follows ‖PAᵀRa‖² = aᵀRAPᵀ·PAᵀRa = 0. So both gradients at A + avᵀ are those at A: each further term
holds Pv, PAᵀRa or Ca. If both encoders were within S_F, avᵀ would be Σ̄⁻¹ times means, and aᵀΣ̄a‖v‖² = aᵀΣ̄(avᵀ)v = 0.

That dim S_F = m < d gives such an a ≠ 0: for a basis B of S_F there is b ≠ 0 with Bᵀb = 0, and a = Σ̄⁻¹b. That P is
singular gives such a v ≠ 0, and an invertible P has none.
"""

from __future__ import annotations

from thmverify.formulas import mixtures, simsiam
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    conj,
    disj,
    eq,
    exists,
    eye,
    fresh,
    iff,
    minv,
    num,
    tr,
    var,
    zero,
)
from thmverify.proofs.lemmas.basic import vanishes
from thmverify.proofs.lemmas.null_vectors import singular_null, square_positive, wide_null
from thmverify.proofs.lemmas.simsiam import SimSiamSetting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.simsiam.common_proof import encoder_step, model_steps, named

HYPOTHESES = (
    "weights-positive",
    "weights-sum",
    "covariances-definite",
    "bias-range",
    "no-weight-decay",
    "room-outside",
)


def column_across(st: SimSiamSetting) -> Line:
    """∃a. a ≠ 0 and aᵀμ_k = 0 for all k, from dim S_F < d."""
    s, start = st.s, st.s.mark()
    room = s.rewrite(s.flip(st.sigma_unfolded), st.hypothesis("room-outside"))
    (_,), facts = s.obtain(room, "m")
    has_basis, narrow = s.parts(facts)
    (B,), facts = s.obtain(has_basis, "B")
    there, spans, _ = s.parts(facts)
    (_,), left_inverse = s.obtain(there, "L")
    (b,), found = s.obtain(wide_null(s, B, left_inverse, narrow), "b")
    nonzero, orthogonal = s.parts(found)
    a, k = minv(st.mix.sigma_bar) @ b, fresh(Index(st.K), "k")
    one, _, symmetric = st.sigma_inverse

    mark = s.mark()
    (h,), spanned = s.obtain(s.spec(spans, k), "h")  # aᵀμ_k = bᵀΣ̄⁻¹μ_k = bᵀBh = 0
    pairing = s.lin(eq(tr(a.T @ st.mu(k)), 0), [(spanned, 1, b.T, eye(1)), (orthogonal, 1, h.T, eye(1))], symmetric)
    pairing = s.gen(s.release(pairing, mark), k)
    s.forget(mark)

    supposed = s.assume(eq(a, zero(st.d)))  # else b = Σ̄a = 0
    back = s.lin(eq(b, zero(st.d)), [(supposed, 1, st.mix.sigma_bar, eye(1)), (one, 1, eye(st.d), b)])
    apart = s.taut(~supposed.formula, s.discharge(back, supposed), nonzero)

    law = st.unfold(st.sim.across_means(a))
    claim = exists(Col(st.d), st.sim.across_means)
    line = s.release(s.exhibit(claim, a, s.taut(law.left, law, s.both(apart, pairing))), start)
    s.forget(start)
    return line


class Collapse:
    """A stationary pair (A, P), a across the means and v ≠ 0 with Pv = 0; M = A + avᵀ."""

    def __init__(self, st: SimSiamSetting) -> None:
        """Suppose that (A, P) is stationary, a is across the means, v ≠ 0 and Pv = 0."""
        s = st.s
        self.s, self.st = s, st
        self.A, self.P, self.a, self.v = mixtures.A, simsiam.P, simsiam.a, var("v", Col(st.r))
        self.M = self.A + self.a @ self.v.T
        null = conj(~eq(self.v, zero(st.r)), eq(self.P @ self.v, zero(st.r)))
        self.stationary = s.assume(st.sim.stationary(self.A, self.P))
        self.across, self.null = s.assume(st.sim.across_means(self.a)), s.assume(null)
        law = st.unfold(self.across.formula)
        self.nonzero, self.orthogonal = s.parts(s.taut(law.right, law, self.across))
        self.v_nonzero, self.unseen = s.parts(self.null)

    def gradients(self, encoder: Expr, predictor: Expr) -> Line:
        """(A, P) is stationary exactly where both gradients are 0."""
        s, st = self.s, self.st
        pair = st.unfold(st.sim.stationary(encoder, predictor))
        first, second = (s.spec(law, encoder, predictor) for law in (st.encoder_equation, st.predictor_equation))
        return s.taut(iff(pair.left, conj(first.right, second.right)), pair, first, second)

    def at_rest(self) -> Line:
        """(0, 0) is stationary."""
        s, st = self.s, self.st
        law = self.gradients(zero(st.d, st.r), zero(st.r, st.r))
        return s.taut(law.left, law, *(s.calc(Expr(t)) for t in law.right.term.args))

    def moved(self) -> Line:
        """(A + avᵀ, P) is stationary."""
        s, st, A, P, a, M = self.s, self.st, self.A, self.P, self.a, self.M
        still = st.hypothesis("no-weight-decay")
        here, there = self.gradients(A, P), self.gradients(M, P)
        level = s.taut(here.right, here, self.stationary)
        at_A = s.parts(s.step("stationary", "Let (A, P) be stationary: both gradients are 0.", level))

        blank = s.calc(eq(st.C @ a, zero(st.d)), *st.moments[1:], self.orthogonal)
        s.step("uncorrelated", "Ca = 0, as C is a combination of the μ_kμ_lᵀ and a is orthogonal to the means.", blank)
        blind = P @ A.T @ st.R @ a
        square = s.lin(
            eq(tr(blind.T @ blind), 0),
            [(at_A[0], 1, a.T, A.T @ st.R @ a)],
            blank,
            st.C_symmetric,
            st.R_symmetric,
            still,
        )
        s.step("blind-square", "aᵀ∂_A = 0 says that aᵀRAPᵀP = 0, so ‖PAᵀRa‖² = 0.", square)
        unmoved = vanishes(s, blind, square)
        s.step("blind", "So PAᵀRa = 0: what P makes of Aᵀx is not correlated with aᵀx.", unmoved)

        facts = (st.R_symmetric, st.C_symmetric, self.unseen, unmoved, blank, still)
        at_M = [
            s.lin(claim, [known], *facts)
            for claim, known in zip([Expr(t) for t in there.right.term.args], at_A, strict=True)
        ]
        s.step("encoder", "∂_A at A + avᵀ is ∂_A at A: Ra(Pv)ᵀP = 0 and CavᵀP = 0.", at_M[0])
        s.step("predictor", "∂_P at A + avᵀ is ∂_P at A: each further term holds Pv, PAᵀRa or Ca.", at_M[1])
        return s.taut(there.left, there, *at_M)

    def leaves(self) -> Line:
        """A and A + avᵀ are not both within S_F."""
        s, st, a, v = self.s, self.st, self.a, self.v
        inside = s.assume(conj(st.mix.within_fisher(self.A), st.mix.within_fisher(self.M)))
        mark, spans = s.mark(), []
        for line, name in zip(s.parts(inside), ("c", "c_moved"), strict=True):
            law = st.unfold(line.formula)
            spans.append(s.obtain(s.taut(law.right, law, line), name)[1])
        Sb = st.mix.sigma_bar
        long = s.mp(s.spec(s.parts(st.sigma_definite)[1], a), self.nonzero)
        positive = s.apply("product", [[long, square_positive(s, self.v_nonzero)]])
        parts = [(line, 1, a.T @ Sb, v) for line in spans]
        none = s.lin(
            eq(tr(a.T @ Sb @ a) * tr(v.T @ v), 0), parts, st.sigma_inverse[0], self.orthogonal, st.sigma_symmetric
        )
        s.step("difference", "If both lie inside, aᵀΣ̄a·‖v‖² = aᵀΣ̄(avᵀ)v = 0, as Σ̄avᵀ is a combination of means.", none)
        absurd = s.release(s.taut(disj(), s.lin(num(0) < 0, [positive, none]), s.calc(num(0) <= 0)), mark)
        s.forget(mark)
        return s.taut(~inside.formula, s.discharge(absurd, inside))

    def whole(self) -> Line:
        """(A, P) stationary, a across, Pv = 0 ≠ v ⟹ (A + avᵀ, P) stationary, and not both encoders within S_F."""
        s = self.s
        moved = s.step("moved", "So (A + avᵀ, P) is stationary too.", self.moved())
        leaves = s.step("leaves", "But Σ̄ ≻ 0, a ≠ 0 and v ≠ 0: not both encoders lie inside S_F.", self.leaves())
        line = s.both(moved, leaves)
        given = (self.stationary, self.across, self.null)
        claim = conj(*(g.formula for g in given)) >> line.formula
        return s.taut(claim, s.discharge(line, *given))


def prove() -> Proposal:
    """Derive the statement."""
    s = Script("simsiam-collapse")
    st = SimSiamSetting(s)
    model_steps(st)
    encoder_step(st)
    s.step(
        "gradient-P",
        "The slope along every direction J of P is tr(Jᵀ(PAᵀRA − AᵀCA + ηP)): it is 0 for every J exactly where the "
        "gradient PAᵀRA − AᵀCA + ηP is 0.",
        st.predictor_equation,
    )
    across = column_across(st)
    s.step("across", "dim S_F = m < d, so there is an a ≠ 0 that is orthogonal to the means.", across)
    law, singular = st.unfold(st.sim.invertible(simsiam.P)), singular_null(s, simsiam.P)
    unseen = s.taut(iff(~law.left, singular.right), law, singular)
    s.step("unseen", "P is singular exactly where Pv = 0 for some v ≠ 0.", unseen)
    collapse = Collapse(st)
    rest = s.step("rest", "For example A = 0 and P = 0 are a stationary pair.", collapse.at_rest())
    line = s.both(across, unseen, rest, collapse.whole())
    s.step(
        "theorem",
        "There is an a ≠ 0 orthogonal to the means, a v ≠ 0 with Pv = 0 for every singular P, and a stationary pair "
        "with P = 0. For all such a and v, where (A, P) is stationary, so is (A + avᵀ, P), and A and A + avᵀ are not "
        "both inside S_F.",
        line,
    )
    return s.qed(line, named(HYPOTHESES))
