"""Proof of `infonce-key-bias-equality`, conditional on what couplings of densities give.

Two things are supposed, by name. `optimal-coupling`: at a minimiser A there is a Q > 0 with both marginals w, the
shares of the components under the optimal coupling, and the slope along uuᵀ, Σ_jk Q_jk a_j a_k − δ Σ_k w_k a_k² −
(1 − δ)ā² with a_k = uᵀμ_k, is not negative where AᵀΣu = 0. `inclusion`: Col(A) ⊆ S_LDA. The rest is derived: at δ = 1
the slope is −½ Σ_jk Q_jk (a_j − a_k)², so all a_k are the same; and with u the part of Σ⁻¹(μ_k − μ_l) across Col(A),
uᵀΣu = a_k − a_l.
"""

from __future__ import annotations

from thmverify.formulas import key_bias as kb
from thmverify.formulas import mixtures as v
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Mat,
    conj,
    eq,
    exists,
    eye,
    forall,
    fresh,
    minv,
    num,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.algebra import inverse
from thmverify.proofs.lemmas.basic import congruence, folded, square_nonnegative, unfolded, weaken
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.subspaces import definite_vanishes, summand_vanishes
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.infonce.equality_lemmas import zero_square

HYPOTHESES = (
    "weights-positive",
    "weights-sum",
    "covariances-definite",
    "shared-covariance",
    "bias-range",
    "columns-reach",
    "always-matched",
)


def assumptions(mix: v.Mixture) -> dict[str, Expr]:
    """What is supposed, for every map A."""

    def slopes(A: Expr, Q: Expr) -> Expr:
        return forall(Col(v.d), lambda u: eq(A.T @ mix.sigma_bar @ u, zero(v.r)) >> kb.rises_across(mix, Q, u))

    def coupled(A: Expr) -> Expr:
        there = exists(kb.Q.sort, lambda Q: conj(kb.coupling(mix, Q), slopes(A, Q)))
        return conj(supposed(), kb.minimises_key_bias(mix, A)) >> there

    return {
        "optimal-coupling": forall(Mat(v.d, v.r), coupled),
        "inclusion": forall(
            Mat(v.d, v.r),
            lambda A: conj(supposed(), kb.minimises_key_bias(mix, A)) >> kb.within_lda(mix, A),
        ),
    }


def supposed() -> Expr:
    """The hypotheses under which the two hold."""
    return conj(*(v.HYPOTHESES[name] for name in HYPOTHESES))


def means_alike(s: Script, setting: Setting, Q: Expr, coupling: Line, u: Expr, rises: Line) -> Line:
    """∀j, k. uᵀμ_j = uᵀμ_k."""
    K, w, mu = setting.K, setting.w, setting.mu

    def a(k: Expr) -> Expr:
        return tr(u.T @ mu(k))

    def gap(j: Expr, k: Expr) -> Expr:
        return a(j) - a(k)

    positive, rows, columns = s.parts(unfolded(s, coupling))
    j, k = fresh(Index(K), "j"), fresh(Index(K), "k")
    spread = total(K, lambda k: w(k) * a(k) * a(k))
    crossed = total(K, lambda j: total(K, lambda k: Q(j, k) * a(j) * a(k)))
    average = total(K, lambda k: w(k) * a(k))
    matched = setting.hypothesis("always-matched")
    low = s.lin(spread <= crossed, [unfolded(s, rises), (matched, spread - average * average)])
    whole = total(K, lambda j: total(K, lambda k: Q(j, k) * (gap(j, k) * gap(j, k))))
    form = s.step(
        "slope",
        "As both marginals of Q are w, the slope at δ = 1 is −½ Σ_jk Q_jk (a_j − a_k)².",
        s.lin(eq(num("1/2") * whole, spread - crossed), [], rows, columns),
    )
    at_most = s.lin(whole <= 0, [low, (form, 2)])
    square = square_nonnegative(s, gap(j, k))
    part = s.apply("product", [[weaken(s, s.spec(positive, j, k)), square]])
    part = s.lin(num(0) <= Q(j, k) * (gap(j, k) * gap(j, k)), [part])
    inner = s.apply("sum_order", [[s.gen(part, k)]])
    inner = s.lin(num(0) <= total(K, lambda k: Q(j, k) * (gap(j, k) * gap(j, k))), [inner])
    row = summand_vanishes(s, s.gen(inner, j), at_most, j)
    term = summand_vanishes(s, s.gen(part, k), s.lin(inner.right <= 0, [row]), k)
    none = zero_square(s, s.spec(positive, j, k), gap(j, k), s.lin(term.left <= 0, [term]))
    alike = s.gen(s.lin(eq(a(j), a(k)), [none]), j, k)
    return s.step("alike", "It is not negative, and Q > 0: so all a_k are the same.", alike)


def equality(s: Script, setting: Setting) -> Line:
    """MinimisesKeyBias(A) ⟹ Col(A) = S_LDA."""
    mix, K, mu, S, A = setting.mix, setting.K, setting.mu, setting.mix.sigma_bar, v.A
    best = s.assume(kb.minimises_key_bias(mix, A))
    given = s.both(*(setting.hypothesis(name) for name in HYPOTHESES), best)
    lines = {name: s.assume(formula) for name, formula in assumptions(mix).items()}
    inside = s.step(
        "inclusion", "Col(A) ⊆ S_LDA: supposed.", s.taut(kb.within_lda(mix, A), s.spec(lines["inclusion"], A), given)
    )
    there = s.spec(lines["optimal-coupling"], A)
    there = s.step("coupling", "The optimal coupling: supposed.", s.taut(there.right, there, given))
    k, l = fresh(Index(K), "k"), fresh(Index(K), "l")
    mark = s.mark()
    (Q,), line = s.obtain(there, "Q")
    coupling, slopes = s.parts(line)
    (rho, F, _, H, right), line = s.obtain(s.apply("factorisation", [], [A]), "ρ", "F", "F⁺", "H", "H⁺")
    is_A, independent, onto = s.parts(line)
    s.step("factor", "A = FH with independent columns F and rows H.", line)
    P = F.T @ S @ F
    back, _, symmetric = inverse(s, congruence(s, setting.sigma_definite, F, independent))
    target = mu(k) - mu(l)
    u = minv(S) @ target - F @ minv(P) @ F.T @ target  # what Σ⁻¹(μ_k − μ_l) has across Col(A)
    flat = s.calc(eq(F.T @ S @ u, zero(rho)), setting.sigma_inverse[0], back)
    across = s.lin(eq(A.T @ S @ u, zero(v.r)), [(flat, 1, H.T, eye(1))], is_A)
    s.step("across", "u = Σ⁻¹(μ_k − μ_l) less its part in Col(A) has AᵀΣu = 0.", across)
    alike = means_alike(s, setting, Q, coupling, u, s.mp(s.spec(slopes, u), across))
    same = s.spec(alike, k, l)
    length = s.lin(
        eq(tr(u.T @ S @ u), 0),
        [same, (flat, 1, target.T @ F @ minv(P), eye(1))],
        setting.sigma_inverse[0],
        setting.sigma_inverse[2],
        setting.sigma_symmetric,
        symmetric,
    )
    gone = s.step(
        "nothing-across", "uᵀΣu = a_k − a_l = 0, so u = 0.", definite_vanishes(s, setting.sigma_definite, u, length)
    )
    F_is = s.lin(eq(F, A @ right), [(is_A, 1, eye(setting.d), right), (onto, 1, F, eye(rho))])
    coordinates = right @ minv(P) @ F.T @ target
    reached = s.lin(eq(minv(S) @ target, A @ coordinates), [gone, (F_is, 1, eye(setting.d), minv(P) @ F.T @ target)])
    claim = exists(Col(v.r), lambda c: eq(minv(S) @ target, A @ c))
    reached = s.release(s.exhibit(claim, coordinates, reached), mark)
    s.forget(mark)
    spans = folded(s, mix.spans_lda(A), s.gen(reached, k, l))
    return s.discharge(s.both(inside, s.step("spans", "S_LDA ⊆ Col(A).", spans)), best)


def prove() -> Proposal:
    """infonce-key-bias-equality."""
    s = Script("infonce-key-bias-equality")
    setting = Setting(s)
    line = equality(s, setting)
    return s.qed(line, {name: v.HYPOTHESES[name] for name in HYPOTHESES}, assumptions(setting.mix))
