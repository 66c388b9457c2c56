"""Proof of `infonce-equality-small-signal`: a softmax that hardly moves, by less than δ, leaves nothing of S_F out.

If |Q_jk − w_jw_k| ≤ h w_jw_k for all j and k then Σ_jk Q_jk a_j a_k ≤ ā² + h Σ_k w_k a_k², since with e = Q − wwᵀ

    h Σ_k w_k a_k² − Σ_jk e_jk a_j a_k = ¼ Σ_jk (h w_jw_k + e_jk)(a_j − a_k)² + ¼ Σ_jk (h w_jw_k − e_jk)(a_j + a_k)².

For a centred mixture ā = 0, so the slope of v is at most (h − δ) Σ_k w_k a_k².
"""

from __future__ import annotations

from thmverify.formulas import mixtures as v
from thmverify.proofs.expressions import Expr, Index, Real, conj, exists, forall, fresh, num, total
from thmverify.proofs.lemmas.basic import divide, square_nonnegative
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.infonce.equality_lemmas import Equality
from thmverify.theorems.infonce.infonce_slope_proof import line_parts

HYPOTHESES = (
    "weights-positive", "weights-sum", "covariances-definite", "shared-covariance", "bias-range", "columns-reach",
    "centred",
)  # fmt: skip


def near_product(setting: Setting, A: Expr, h: Expr) -> Expr:
    """|Q_jk − w_jw_k| ≤ h w_jw_k for all j and k, that is |E[π_k | j] − w_k| ≤ h w_k."""
    Q, w = setting.mix.overlap, setting.w

    def at(j: Expr, k: Expr) -> Expr:
        return conj(Q(A, j, k) <= (1 + h) * (w(j) * w(k)), (1 - h) * (w(j) * w(k)) <= Q(A, j, k))

    return forall(Index(setting.K), lambda j: forall(Index(setting.K), lambda k: at(j, k)))


def small_signal(setting: Setting, A: Expr) -> Expr:
    """The softmax at A differs from w by less than δ, relative to w."""
    return exists(Real, lambda h: conj(h < setting.mix.delta, near_product(setting, A, h)))


def near_form(s: Script, e: Equality, h: Expr, near: Line) -> Line:
    """Σ_jk Q_jk a_j a_k ≤ (Σ_k w_k a_k)² + h Σ_k w_k a_k² (Σ_k w_k = 1)."""
    K, w, Q, a = e.set.K, e.set.w, e.set.mix.overlap, e.a
    j, k = fresh(Index(K), "j"), fresh(Index(K), "k")
    above, below = s.parts(s.spec(near, j, k))
    first = s.apply("product", [[below, square_nonnegative(s, a(j) - a(k))]])
    second = s.apply("product", [[above, square_nonnegative(s, a(j) + a(k))]])
    pair = w(j) * w(k)
    value = 2 * pair * a(j) * a(k) - 2 * Q(e.A, j, k) * a(j) * a(k) + h * pair * (a(j) * a(j) + a(k) * a(k))
    part = s.lin(num(0) <= value, [first, second])
    outer = s.apply("sum_order", [[s.gen(s.apply("sum_order", [[s.gen(part, k)]]), j)]])
    mean_a = total(K, lambda k: w(k) * a(k))
    return s.lin(e.crossed <= mean_a * mean_a + h * e.spread, [outer, (e.set.weights_sum, h * e.spread)])


def equality(s: Script, setting: Setting) -> Line:
    """Minimises(A) ∧ small signal ⟹ Col(A) = S_F."""
    e = Equality(s, setting)
    signal = s.assume(small_signal(setting, e.A))
    mark = s.mark()
    (h,), hardly = s.obtain(signal, "h")
    less, near = line_parts(s, hardly)
    form = s.step(
        "near", "Σ_jk Q_jk a_j a_k ≤ ā² + h Σ_k w_k a_k²: a sum of squares with weights ≥ 0.", near_form(s, e, h, near)
    )
    average = e.average_vanishes()
    mean_a = total(setting.K, lambda k: setting.w(k) * e.a(k))
    gap = setting.mix.delta - h
    mean_gone = [(average, setting.mix.delta * mean_a), (average, mean_a)]
    bound = s.lin(num(0) <= gap * (-e.spread), [e.slope, form, *mean_gone])
    s.step(
        "left-over",
        "ā = 0, so the slope is at most (h − δ) Σ_k w_k a_k²: not negative only where that sum is 0.",
        bound,
    )
    low = divide(s, s.lin(num(0) < gap, [less]), bound, num(0) <= -e.spread)
    none = e.all_vanish(s.lin(e.spread <= 0, [low]))
    line = s.release(e.conclude(none), mark)
    s.forget(mark)
    return s.discharge(line, signal)


def prove() -> Proposal:
    """infonce-equality-small-signal."""
    s = Script("infonce-equality-small-signal")
    return s.qed(equality(s, Setting(s)), {name: v.HYPOTHESES[name] for name in HYPOTHESES})
