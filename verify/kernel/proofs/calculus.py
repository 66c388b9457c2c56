"""Derivatives of terms in a number, by the rules of calculus; under a mean, of what is tame."""

from __future__ import annotations

from thmverify.kernel.proofs.ring import number
from thmverify.kernel.proofs.tame import Given, is_tame
from thmverify.kernel.proofs.terms import REAL, Term, index, instantiate, lift, make, shape
from thmverify.kernel.strict import Rejected


def derivative(t: Term, s: int, given: Given) -> Term:
    """Return dt/ds, for a number or matrix t, in the bound variable s. Raises Rejected where it is not seen to exist.

    Everything that is differentiated is a smooth function of s: polynomials, exponentials, log-sum-exps and softmax
    weights with positive weights, sums, and means of tame terms, whose derivatives are bounded near each s by a
    function that has a mean.
    """
    if not any(i == s for i, _ in t.loose):
        return number(0) if t.sort is REAL else make("zero", None, *shape(t))
    rule = _RULES.get(t.op)
    if rule is None:
        raise Rejected(f"{t.op} is not differentiated here")
    return rule(t, s, given)


def _variable(t: Term, s: int, given: Given) -> Term:  # noqa: ARG001
    if t.val != s:
        raise Rejected("a variable whose sort depends on the number is not differentiated")
    return number(1)


def _each(t: Term, s: int, given: Given) -> Term:
    """A sum: each part in turn."""
    return make("add", None, *(derivative(a, s, given) for a in t.args))


def _product(t: Term, s: int, given: Given) -> Term:
    """A product: each factor in turn, the others left."""
    changed = ((*t.args[:i], derivative(a, s, given), *t.args[i + 1 :]) for i, a in enumerate(t.args))
    return make("add", None, *(make(t.op, None, *parts) for parts in changed))


def _linear(t: Term, s: int, given: Given) -> Term:
    """A trace or a transpose."""
    return make(t.op, None, derivative(t.args[0], s, given))


def _exponential(t: Term, s: int, given: Given) -> Term:
    return make("mul", None, t, derivative(t.args[0], s, given))


def _sum(t: Term, s: int, given: Given) -> Term:
    _constant(t.args[0], s)
    return make("sum", None, t.args[0], derivative(t.args[1], s + 1, given))


def _constant(t: Term, s: int) -> None:
    if any(i == s for i, _ in t.loose):
        raise Rejected("a size, an index or a covariance depends on the number")


def _mean(t: Term, s: int, given: Given) -> Term:
    _constant(t.args[0], s)
    if not is_tame(t.args[1], frozenset({0}), given, frozenset({s + 1})):
        raise Rejected("what is not tame is not differentiated under a mean")
    return make("mean", None, t.args[0], derivative(t.args[1], s + 1, given))


def _weights(t: Term, s: int, given: Given) -> tuple[Term, Term, Term]:
    n, w, z = t.args[:3]
    for part in (n, *t.args[3:]):
        _constant(part, s)
    if any(i == s + 1 for i, _ in w.loose) or not given.is_positive(n, w):
        raise Rejected("the weights are not known to be positive and constant")
    return n, w, z


def _average(t: Term, s: int, given: Given) -> Term:
    """Σ_l smax_l dz_l/ds."""
    n, w, z = _weights(t, s, given)
    l = make("bound", 0, lift(index(n), 1))
    weight = make("smax", None, lift(n, 1), _under(n, w), _under(n, z), l)
    return make("sum", None, n, make("mul", None, weight, derivative(z, s + 1, given)))


def _under(n: Term, body: Term) -> Term:
    """Return the body of a sum as it reads under one more binder outside it."""
    return lift(make("lam", None, index(n), body), 1).args[1]


def _softmax(t: Term, s: int, given: Given) -> Term:
    """smax_k (dz_k/ds − Σ_l smax_l dz_l/ds)."""
    _, _, z = _weights(t, s, given)
    own = instantiate(derivative(z, s + 1, given), t.args[3])
    return make("mul", None, t, make("add", None, own, make("mul", None, number(-1), _average(t, s, given))))


_RULES = {
    "bound": _variable, "add": _each, "mul": _product, "dot": _product, "scale": _product, "tr": _linear, "T": _linear,
    "exp": _exponential, "sum": _sum, "mean": _mean, "lse": _average, "smax": _softmax,
}  # fmt: skip
