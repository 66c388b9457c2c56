"""Proof of `infonce-key-bias-equality`: at δ = 1 the slope across what a minimiser misses is negative.

Let A = FH be a minimiser, inside S_LDA by `infonce-key-bias-inclusion`. The mean of its bias given Fᵀy is no worse, so
a best bias is β(Fᵀy). Stationarity in the bias says that Q_jl = w_j E[q_l | j], q the softmax weights of the
components, has both marginals w; and the slope along uuᵀ, FᵀΣu = 0, is Σ_jl Q_jl a_j a_l − δ Σ_k w_k a_k² − (1 − δ)ā²
with a_k = uᵀμ_k. At δ = 1 it is −½ Σ_jl Q_jl (a_j − a_l)², and it is not negative: all a_k are the same. With u the
part of Σ⁻¹(μ_k − μ_l) across Col(A), uᵀΣu = a_k − a_l = 0.
"""

from __future__ import annotations

from typing import Any

from thmverify.formulas import key_bias as kb
from thmverify.formulas import mixtures as v
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    delta,
    eq,
    exists,
    eye,
    fn,
    fresh,
    minv,
    num,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.basic import definition, folded, square_nonnegative, unfolded, weaken
from thmverify.proofs.lemmas.coupling import Best
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.subspaces import definite_vanishes, summand_vanishes
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.infonce.equality_lemmas import zero_square
from thmverify.theorems.infonce.infonce_slope_proof import attained
from thmverify.theorems.key_bias.infonce_key_bias_inclusion_proof import inclusion

HYPOTHESES = (
    "weights-positive",
    "weights-sum",
    "covariances-definite",
    "shared-covariance",
    "bias-range",
    "columns-reach",
    "always-matched",
)


def within_fisher(s: Script, setting: Setting, inside: Line) -> Line:
    """Col(A) ⊆ S_F from Col(A) ⊆ S_LDA."""
    K, mu, S, A = setting.K, setting.mu, setting.mix.sigma_bar, v.A
    mark, predicate = s.mark(), setting.mix.within_fisher(A)
    (c,), written = s.obtain(unfolded(s, inside), "c")
    there = definition(s, predicate).right
    family = fn(Index(K), lambda k: total(K, lambda l: c(k, l) - c(l, k)))
    claim = eq(A, total(K, lambda k: minv(S) @ mu(k) @ family(k).T))
    found = s.release(s.exhibit(there, family, s.lin(claim, [written])), mark)
    s.forget(mark)
    return folded(s, predicate, found)


def means_alike(s: Script, setting: Setting, best: Best, u: Expr, rises: Line) -> Line:
    """∀j, k. uᵀμ_j = uᵀμ_k, from uᵀCu ≤ Σ_jk Q_jk a_j a_k, a_k = uᵀμ_k, at δ = 1."""
    K, w, mu = setting.K, setting.w, setting.mu
    Q, is_Q, positive, rows, columns = best.coupling

    def a(k: Expr) -> Expr:
        return tr(u.T @ mu(k))

    def gap(j: Expr, k: Expr) -> Expr:
        return a(j) - a(k)

    j, k = fresh(Index(K), "j"), fresh(Index(K), "k")
    spread = total(K, lambda k: w(k) * a(k) * a(k))
    crossed = total(K, lambda j: total(K, lambda k: Q(j, k) * a(j) * a(k)))
    average = total(K, lambda k: w(k) * a(k))
    matched = setting.hypothesis("always-matched")
    low = s.lin(spread <= crossed, [rises, (matched, spread - average * average)], is_Q)
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


def spans(s: Script, setting: Setting, minimal: Line, inside: Line) -> Line:
    """S_LDA ⊆ Col(A) for a minimiser A inside S_LDA, r ≥ dim S_F and δ = 1."""
    mix, K, mu, S, A = setting.mix, setting.K, setting.mu, setting.mix.sigma_bar, v.A
    k, l = fresh(Index(K), "k"), fresh(Index(K), "l")
    mark = s.mark()
    (rho, F, _, H, right), line = s.obtain(s.apply("factorisation", [], [A]), "ρ", "F", "F⁺", "H", "H⁺")
    is_A, independent, onto = s.parts(line)
    s.step("factor", "A = FH with independent columns F and rows H.", line)
    best = Best(setting, A, F, H, is_A, independent, minimal)
    s.step("averaged-bias", "With E[b(y) | Fᵀy] in the place of b(y) the loss is no larger: Jensen.", best.no_worse)
    s.step("marginals", "The slope along biases that tilt the posterior is 0: Σ_j Q_jl = w_l.", best.coupling.columns)
    P, seen = best.seen.P, best.seen
    target = mu(k) - mu(l)
    # what Σ⁻¹(μ_k − μ_l) has across Col(A)
    u, is_u = s.let("u", minv(S) @ target - F @ minv(P) @ F.T @ target)
    flat = s.calc(eq(F.T @ S @ u, zero(rho)), is_u, setting.sigma_inverse[0], seen.back)
    s.step("across", "u = Σ⁻¹(μ_k − μ_l) less its part in Col(A) has FᵀΣu = 0.", flat)
    F_is = s.lin(eq(F, A @ right), [(is_A, 1, eye(setting.d), right), (onto, 1, F, eye(rho))])
    within = within_fisher(s, setting, inside)
    inner = minv(P) @ F.T @ target
    lines = [is_u, (F_is, 1, eye(setting.d), inner)]
    parts = within, _direction(s, setting, within, u, (k, l), lines, right @ inner)
    reach = attained(s, setting, A, u, setting.hypothesis("columns-reach"), parts)
    rises = s.step(
        "rises",
        "AAᵀ + t uuᵀ is XXᵀ for a map X of r columns, so uᵀCu ≤ Σ_jk Q_jk a_j a_k, a_k = uᵀμ_k.",
        best.across(u, flat, reach),
    )
    same = s.spec(means_alike(s, setting, best, u, rises), k, l)
    length = s.lin(
        eq(tr(u.T @ S @ u), 0),
        [same, (flat, 1, target.T @ F @ minv(P), eye(1)), (is_u, 1, u.T @ S, eye(1))],
        setting.sigma_inverse[0],
        setting.sigma_inverse[2],
        setting.sigma_symmetric,
        seen.symmetric,
    )
    gone = s.step(
        "nothing-across", "uᵀΣu = a_k − a_l = 0, so u = 0.", definite_vanishes(s, setting.sigma_definite, u, length)
    )
    reached = s.lin(eq(minv(S) @ target, A @ right @ inner), [gone, is_u, (F_is, 1, eye(setting.d), inner)])
    claim = exists(Col(v.r), lambda c: eq(minv(S) @ target, A @ c))
    reached = s.release(s.exhibit(claim, right @ inner, reached), mark)
    s.forget(mark)
    return folded(s, mix.spans_lda(A), s.gen(reached, k, l))


def _direction(
    s: Script, setting: Setting, within: Line, u: Expr, ends: tuple[Expr, Expr], lines: list[Any], coordinates: Expr
) -> Line:
    """u = Σ⁻¹(μ_k − μ_l) − A·coordinates lies in S_F, as A does; the lines say that it is u."""
    K, mu, S = setting.K, setting.mu, setting.mix.sigma_bar
    mark, predicate = s.mark(), setting.mix.within_fisher(u)
    (e,), written = s.obtain(unfolded(s, within), "e")
    k, l = ends
    family = fn(Index(K), lambda j: (delta(j, k) - delta(j, l)) * eye(1) - coordinates.T @ e(j))
    spanned = total(K, lambda j: minv(S) @ mu(j) @ family(j).T)
    parts = [*lines, (written, 1, eye(setting.d), coordinates)]
    found = s.exhibit(definition(s, predicate).right, family, s.lin(eq(u, spanned), parts))
    found = s.release(found, mark)
    s.forget(mark)
    return folded(s, predicate, found)


def equality(s: Script, setting: Setting) -> Line:
    """MinimisesKeyBias(A) ⟹ Col(A) = S_LDA."""
    best = s.assume(kb.minimises_key_bias(setting.mix, v.A))
    included = s.cite("infonce-key-bias-inclusion", inclusion)
    inside = s.step("inclusion", "Col(A) ⊆ S_LDA: infonce-key-bias-inclusion.", s.mp(included, best))
    reached = s.step("spans", "S_LDA ⊆ Col(A).", spans(s, setting, best, inside))
    return s.discharge(s.both(inside, reached), best)


def prove() -> Proposal:
    """infonce-key-bias-equality."""
    s = Script("infonce-key-bias-equality")
    setting = Setting(s)
    line = equality(s, setting)
    return s.qed(line, {name: v.HYPOTHESES[name] for name in HYPOTHESES})
