"""Lemmas about softmax weights as posteriors: they agree when the log-odds do."""

from __future__ import annotations

from thmverify.proofs.expressions import Expr, Family, Index, Like, Real, eq, exp, forall, fresh, iff, inv
from thmverify.proofs.lemmas.basic import SoftMax, exp_injective, positive_nonzero
from thmverify.proofs.script import Line, Script


def odds(s: Script, n: Like, w: Expr, positive: Line, nonempty: Line) -> Line:
    """∀a, b. (∀k. w_k e^{a_k}/Σ_l w_l e^{a_l} = w_k e^{b_k}/Σ_l w_l e^{b_l}) ⟺ ∀k, l. a_k − a_l = b_k − b_l."""
    a, b = fresh(Family(n, Real), "a"), fresh(Family(n, Real), "b")
    first, second = (SoftMax(s, n, w, z, positive, nonempty) for z in (a, b))
    alike = forall(Index(n), lambda k: eq(first.p(k), second.p(k)))
    apart = forall(Index(n), lambda k: forall(Index(n), lambda j: eq(a(k) - a(j), b(k) - b(j))))
    forward, back = _odds(s, first, second, s.assume(alike)), _weights(s, first, second, s.assume(apart))
    found = s.taut(iff(alike, apart), s.discharge(forward, alike), s.discharge(back, apart))
    return s.gen(found, a, b)


def log_weight(s: Script, soft: SoftMax, k: Expr) -> Line:
    """p_k = w_k exp(z_k − lse)."""
    scaled, over = exp(soft.z(k) - soft.lse), inv(soft.whole)
    whole = s.lin(eq(exp(soft.z(k)), scaled * soft.whole), [(soft.exp_lse, scaled)])
    parts = [s.spec(soft.weights, k), (whole, soft.w(k) * over), (soft.cancel, soft.w(k) * scaled)]
    return s.lin(eq(soft.p(k), soft.w(k) * scaled), parts)


def _odds(s: Script, first: SoftMax, second: SoftMax, alike: Line) -> Line:
    """∀k, l. a_k − a_l = b_k − b_l, since a_k − lse(a) = b_k − lse(b)."""
    n = first.n
    k, j = fresh(Index(n), "k"), fresh(Index(n), "j")
    nonzero = positive_nonzero(s, s.spec(first.positive, k))
    cancel = s.mp(s.apply("reciprocal", [], [first.w(k)]), nonzero)
    one, two = log_weight(s, first, k), log_weight(s, second, k)
    logs = [exp(z.z(k) - z.lse) for z in (first, second)]
    over = Expr(cancel.left.term.args[1])
    same = s.lin(eq(*logs), [(one, over), (two, over), (s.spec(alike, k), over), (cancel, logs[0]), (cancel, logs[1])])
    each = s.gen(exp_injective(s, same), k)
    found = s.lin(eq(first.z(k) - first.z(j), second.z(k) - second.z(j)), [s.spec(each, k), s.spec(each, j)])
    return s.gen(found, k, j)


def _weights(s: Script, first: SoftMax, second: SoftMax, apart: Line) -> Line:
    """∀k. the weights agree: a_l = b_l + c for every l, with c = a_k − b_k."""
    n = first.n
    k, j = fresh(Index(n), "k"), fresh(Index(n), "j")
    mark = s.mark()
    c, value = s.let("c", first.z(k) - second.z(k))
    each = s.gen(s.lin(eq(first.z(j), second.z(j) + c), [s.spec(apart, j, k), value]), j)
    whole = s.calc(eq(first.whole, exp(c) * second.whole), each)
    raised = s.lin(eq(exp(first.lse), exp(c + second.lse)), [first.exp_lse, whole, (second.exp_lse, exp(c))])
    shift = exp_injective(s, raised)
    found = s.lin(
        eq(first.p(k), second.p(k)), [log_weight(s, first, k), log_weight(s, second, k)], s.spec(each, k), shift
    )
    line = s.gen(s.release(found, mark), k)
    s.forget(mark)
    return line
