"""Lemmas about Gaussian means of exponentials times quadratic functions: a factor exp bᵀξ moves the mean by Σb."""

from __future__ import annotations

from collections.abc import Callable

from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Mat,
    Real,
    Size,
    eq,
    exp,
    eye,
    fn,
    fresh,
    mean,
    num,
    psd,
    total,
    tr,
    unit,
)
from thmverify.proofs.lemmas.basic import Terms, generating
from thmverify.proofs.script import Line, Script


def moved_once(s: Script) -> Line:
    """∀d, S, b, h. S ⪰ 0 ⟹ E hᵀξ exp bᵀξ = hᵀSb exp ½bᵀSb: the derivative of E exp (b + th)ᵀξ."""
    d = fresh(Size, "d")
    S, b, h = fresh(Mat(d, d), "S"), fresh(Col(d), "b"), fresh(Col(d), "h")
    given, t = s.assume(psd(S)), fresh(Real, "t")

    def at(t: Expr) -> Expr:
        return b + t * h

    def power(t: Expr) -> Expr:
        return exp(num("1/2") * tr(at(t).T @ S @ at(t)))

    def rate(t: Expr) -> Expr:
        return tr(h.T @ S @ at(t)) * power(t)

    law = s.gen(generating(s, given, S, at(t)), t)
    raised = fn(Real, lambda t: mean(S, lambda xi: exp(tr(at(t).T @ xi))))
    under = fn(Real, lambda t: mean(S, lambda xi: tr(h.T @ xi) * exp(tr(at(t).T @ xi))))
    found = _compared(s, given, law, (raised, under), (power, rate))
    value = tr(h.T @ S @ b) * exp(num("1/2") * tr(b.T @ S @ b))
    claim = eq(mean(S, lambda xi: tr(h.T @ xi) * exp(tr(b.T @ xi))), value)
    return s.gen(s.discharge(s.lin(claim, [found]), given), d, S, b, h)


def moved_twice(s: Script) -> Line:
    """∀d, S, b, g, h. S ⪰ 0 ⟹ E gᵀξ hᵀξ exp bᵀξ = (gᵀSh + gᵀSb hᵀSb) exp ½bᵀSb."""
    d = fresh(Size, "d")
    S, b, g, h = fresh(Mat(d, d), "S"), fresh(Col(d), "b"), fresh(Col(d), "g"), fresh(Col(d), "h")
    given, t = s.assume(psd(S)), fresh(Real, "t")

    def at(t: Expr) -> Expr:
        return b + t * h

    def power(t: Expr) -> Expr:
        return exp(num("1/2") * tr(at(t).T @ S @ at(t)))

    def before(t: Expr) -> Expr:
        return tr(g.T @ S @ at(t)) * power(t)

    def rate(t: Expr) -> Expr:
        return (tr(g.T @ S @ h) + tr(g.T @ S @ at(t)) * tr(h.T @ S @ at(t))) * power(t)

    law = s.gen(s.mp(s.known(moved_once, d, S, at(t), g), given), t)
    raised = fn(Real, lambda t: mean(S, lambda xi: tr(g.T @ xi) * exp(tr(at(t).T @ xi))))
    under = fn(Real, lambda t: mean(S, lambda xi: tr(h.T @ xi) * (tr(g.T @ xi) * exp(tr(at(t).T @ xi)))))
    found = _compared(s, given, law, (raised, under), (before, rate))
    moved = tr(g.T @ S @ h) + tr(g.T @ S @ b) * tr(h.T @ S @ b)
    value = moved * exp(num("1/2") * tr(b.T @ S @ b))
    claim = eq(mean(S, lambda xi: tr(g.T @ xi) * tr(h.T @ xi) * exp(tr(b.T @ xi))), value)
    return s.gen(s.discharge(s.lin(claim, [found]), given), d, S, b, g, h)


def _compared(s: Script, given: Line, law: Line, means: tuple[Expr, Expr], terms: tuple[Terms, Terms]) -> Line:
    """One derivative at 0 of one function: under the mean, and of what the law says that it is."""
    one = s.rewrite(law, s.apply("differentiate", [[], [], []], [*means]))
    two = s.apply("differentiate", [[s.parts(given)[0]], [], []], [fn(Real, f) for f in terms])
    return s.apply("one_derivative", [[s.spec(one, 0), s.spec(two, 0)]])


def tilted(s: Script) -> Line:
    """∀d, S, b, B, g, c. S ⪰ 0 ⟹ E (ξᵀBξ + gᵀξ + c) exp bᵀξ = (tr BS + (Sb)ᵀB(Sb) + gᵀSb + c) exp ½bᵀSb."""
    d = fresh(Size, "d")
    S, b, g = fresh(Mat(d, d), "S"), fresh(Col(d), "b"), fresh(Col(d), "g")
    B, c, i = fresh(Mat(d, d), "B"), fresh(Real, "c"), fresh(Index(d), "i")
    given = s.assume(psd(S))

    power = exp(num("1/2") * tr(b.T @ S @ b))

    def raised(value: Callable[[Expr], Expr]) -> Expr:
        return mean(S, lambda xi: value(xi) * exp(tr(b.T @ xi)))

    twice = s.gen(s.mp(s.known(moved_twice, d, S, b, unit(i), B.T @ unit(i)), given), i)
    one = s.apply("units", [], [eye(d)])  # I = Σ_i e_i e_iᵀ
    parts = total(d, lambda i: raised(lambda xi: tr(unit(i).T @ xi) * tr((B.T @ unit(i)).T @ xi)))
    summed = s.same(parts, twice)
    xi = fresh(Col(d), "ξ")
    spread = total(d, lambda i: tr(xi.T @ unit(i)) * tr(unit(i).T @ B @ xi))
    form = s.gen(s.lin(eq(tr(xi.T @ B @ xi), spread), [(one, 1, xi.T, B @ xi)]), xi)
    opened = s.same(raised(lambda xi: tr(xi.T @ B @ xi)), form)
    weights = [(one, power, S, B), (one, power, S @ b @ b.T @ S, B)]
    square = s.lin(
        eq(raised(lambda xi: tr(xi.T @ B @ xi)), (tr(B @ S) + tr(b.T @ S @ B @ S @ b)) * power),
        [opened, summed, *weights],
        s.parts(given)[0],
    )
    line, flat = s.mp(s.known(moved_once, d, S, b, g), given), generating(s, given, S, b)
    value = tr(B @ S) + tr(b.T @ S @ B @ S @ b) + tr(g.T @ S @ b) + c
    claim = eq(raised(lambda xi: tr(xi.T @ B @ xi) + tr(g.T @ xi) + c), value * power)
    return s.gen(s.discharge(s.lin(claim, [square, line, (flat, c)]), given), d, S, b, B, g, c)
