"""The primitive rules: each takes theorems and terms and returns the theorem that it concludes. There are no others.

A theorem Γ ⊢ φ says: for all values of its free variables for which every formula of Γ holds, φ holds. PROOFS.md says
why each rule is right. A mean that does not exist is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from thmverify.kernel.proofs.calculus import derivative
from thmverify.kernel.proofs.ring import Ring, applied, number, ring_for, semidefinite
from thmverify.kernel.proofs.tame import is_measurable, is_tame
from thmverify.kernel.proofs.tautology import follows
from thmverify.kernel.proofs.terms import (
    ONE,
    PROP,
    REAL,
    SIZE,
    Term,
    close,
    fun,
    index,
    instantiate,
    lift,
    lower,
    make,
    mat,
    replace,
    shape,
)
from thmverify.kernel.strict import Rejected

Formulas: TypeAlias = frozenset[Term]


class Theorem(NamedTuple):
    """Γ ⊢ φ, the index variables that the derivation supposes to exist, and the classical theorems it takes by name."""

    hypotheses: Formulas
    conclusion: Term
    indices: frozenset[Term]
    classical: frozenset[str]


class Definition(NamedTuple):
    """A new name for a term over its parameters, which are variables; the sort of one may speak of those before it."""

    name: str
    parameters: tuple[Term, ...]
    body: Term


Groups: TypeAlias = Sequence[Sequence[Theorem]]  # the premises of a rule, in groups
Arguments: TypeAlias = Sequence[Term]


def _indices(*terms: Term) -> frozenset[Term]:
    """Return the free variables of these terms whose sort is empty when a size is 0."""
    return frozenset(v for t in terms for v in t.free if _may_be_empty(v.args[0]))


def _may_be_empty(sort: Term) -> bool:
    return sort.op == "Index" or (sort.op == "Fun" and _may_be_empty(sort.args[1]))


def _conclude(premises: Iterable[Theorem], conclusion: Term, classical: str = "") -> Theorem:
    """Return the theorem with everything that its premises suppose."""
    if conclusion.sort is not PROP or conclusion.loose or any(v.op != "var" for v in conclusion.free):
        raise Rejected("a theorem is a formula, and nothing in it is bound outside")
    given = list(premises)
    return Theorem(
        frozenset().union(*(p.hypotheses for p in given)),
        conclusion,
        _indices(conclusion).union(*(p.indices for p in given)),
        frozenset([classical] if classical else []).union(*(p.classical for p in given)),
    )


def _all(groups: Groups) -> list[Theorem]:
    return [p for group in groups for p in group]


def _ring(groups: Groups) -> Ring:
    """Return the normal forms for premises in groups: equations, positive weights, covariances."""
    equations, positive, definite = ([p.conclusion for p in group] for group in groups)
    return ring_for(equations, positive, definite)


# -- formulas ---------------------------------------------------------------------------------------------------------


def equal(a: Term, b: Term) -> Term:
    """Return a = b."""
    return make("eq", None, a, b)


def at_most(a: Term, b: Term) -> Term:
    """Return a ≤ b."""
    return make("le", None, a, b)


def less(a: Term, b: Term) -> Term:
    """Return a < b, that is ¬ b ≤ a."""
    return make("not", None, at_most(b, a))


def implies(a: Term, b: Term) -> Term:
    """Return a ⟹ b."""
    return make("imp", None, a, b)


def both(*parts: Term) -> Term:
    """Return the conjunction."""
    return make("and", None, *parts)


def either(*parts: Term) -> Term:
    """Return the disjunction."""
    return make("or", None, *parts)


def bind(op: str, name: Term, body: Term) -> Term:
    """Return ∀ name. body, ∃ name. body or λ name. body."""
    return make(op, None, name.args[0], close(body, name))


def dot(*parts: Term) -> Term:
    """Return the product of matrices."""
    return make("dot", None, *parts)


def turned(X: Term) -> Term:
    """Return Xᵀ."""
    return make("T", None, X)


def trace(X: Term) -> Term:
    """Return tr X."""
    return make("tr", None, X)


def identity(n: Term) -> Term:
    """Return I_n."""
    return make("id", None, n)


def _size(n: Term) -> Term:
    return make("size", None, n)


def _name(sort: Term, *avoid: Term) -> Term:
    """Return a variable of this sort that does not occur in these terms."""
    taken = frozenset().union(*(t.free for t in (*avoid, sort)))
    return next(v for i in range(10**6) for v in [make("var", f"_{i}", sort)] if v not in taken)


def _names(avoid: Sequence[Term], *sorts: Callable[..., Term]) -> list[Term]:
    found: list[Term] = []
    for sort in sorts:
        found.append(_name(sort(*found), *avoid, *found))
    return found


def _exists(names: Sequence[Term], body: Term) -> Term:
    for name in reversed(names):
        body = bind("ex", name, body)
    return body


def _relation(t: Term) -> tuple[Term, Term, bool]:
    """Return a, b and whether it is strict, for a ≤ b or a < b."""
    if t.op == "le":
        return t.args[0], t.args[1], False
    if t.op == "not" and t.args[0].op == "le":
        return t.args[0].args[1], t.args[0].args[0], True
    raise Rejected("a comparison a ≤ b or a < b is expected here")


def _sides(t: Term) -> tuple[Term, Term, bool]:
    """Return a, b and whether it is strict, for a = b, a ≤ b or a < b."""
    return (t.args[0], t.args[1], False) if t.op == "eq" else _relation(t)


def _compared(a: Term, b: Term, strict: bool) -> Term:
    return less(a, b) if strict else at_most(a, b)


def _difference(a: Term, b: Term) -> Term:
    minus = number(-1)
    return make("add", None, a, make("mul", None, minus, b) if a.sort is REAL else make("scale", None, minus, b))


def _expect(found: Term, wanted: Term) -> None:
    if found is not wanted:
        raise Rejected(f"expected the premise {wanted!r}, found {found!r}")


# -- logic ------------------------------------------------------------------------------------------------------------


def assume(_: Groups, terms: Arguments) -> Theorem:
    """φ ⊢ φ."""
    (formula,) = terms
    return (
        Theorem(frozenset(terms), formula, _indices(formula), frozenset())
        if formula.sort is PROP
        else _conclude([], formula)
    )


def discharge(groups: Groups, terms: Arguments) -> Theorem:
    """Γ ⊢ ψ gives Γ∖{φ} ⊢ φ ⟹ ψ."""
    ((premise,),), (formula,) = groups, terms
    found = _conclude([premise], implies(formula, premise.conclusion))
    return found._replace(hypotheses=found.hypotheses - {formula})


def tautology(groups: Groups, terms: Arguments) -> Theorem:
    """ψ, which follows from the premises by propositional logic."""
    (premises,), (formula,) = groups, terms
    if not follows([p.conclusion for p in premises], formula):
        raise Rejected(f"{formula!r} does not follow by propositional logic from {[p.conclusion for p in premises]!r}")
    return _conclude(premises, formula)


def generalise(groups: Groups, terms: Arguments) -> Theorem:
    """Γ ⊢ φ gives Γ ⊢ ∀x. φ, where x is not free in Γ."""
    ((premise,),), (name,) = groups, terms
    if name.op != "var" or any(name in h.free for h in premise.hypotheses):
        raise Rejected(f"{name.val} is not a variable, or a hypothesis speaks of it")
    if any(name in i.free for i in premise.indices - {name}):
        raise Rejected(f"the sort of an index depends on {name.val}")
    found = _conclude([premise], bind("all", name, premise.conclusion))
    return found._replace(indices=found.indices - {name})


def specialise(groups: Groups, terms: Arguments) -> Theorem:
    """Γ ⊢ ∀x. φ gives Γ ⊢ φ[t]; for several terms, one after the other."""
    ((premise,),) = groups
    formula = premise.conclusion
    for t in terms:
        if formula.op != "all" or t.sort is not formula.args[0]:
            raise Rejected(f"a term of sort {t.sort!r} is no instance of {formula!r}")
        formula = instantiate(formula.args[1], t)
    found = _conclude([premise], formula)
    return found._replace(indices=found.indices | _indices(*terms))


def exhibit(groups: Groups, terms: Arguments) -> Theorem:
    """Γ ⊢ φ[t] gives Γ ⊢ ∃x. φ."""
    ((premise,),), (formula, witness) = groups, terms
    if formula.op != "ex" or witness.sort is not formula.args[0]:
        raise Rejected("the witness is not of the sort of what exists")
    _expect(premise.conclusion, instantiate(formula.args[1], witness))
    found = _conclude([premise], formula)
    return found._replace(indices=found.indices | _indices(witness))


def choose(groups: Groups, terms: Arguments) -> Theorem:
    """Γ ⊢ ∃x. φ and Δ, φ[y] ⊢ ψ give Γ, Δ ⊢ ψ, where y is free in nothing but φ[y]."""
    ((existence, premise),), (name,) = groups, terms
    if existence.conclusion.op != "ex" or name.op != "var" or name.args[0] is not existence.conclusion.args[0]:
        raise Rejected("what is chosen is not of the sort of what exists")
    chosen = instantiate(existence.conclusion.args[1], name)
    found = _conclude([existence, premise], premise.conclusion)
    kept = existence.hypotheses | (premise.hypotheses - {chosen})
    indices = existence.indices | (premise.indices - {name}) | _indices(premise.conclusion, *kept)
    if any(name in t.free for t in (*indices, *kept, existence.conclusion, premise.conclusion)):
        raise Rejected(f"{name.val} is chosen, and yet something else speaks of it")
    return found._replace(hypotheses=kept, indices=indices)


def rewrite(groups: Groups, terms: Arguments) -> Theorem:
    """∀x̄. a = b (or a ⟺ b) and φ[λx̄.a] give φ[λx̄.b]; φ is a formula with a variable for the function."""
    ((equation, premise),), (name, template) = groups, terms
    inner, sorts = equation.conclusion, []
    while inner.op == "all":
        sorts.append(inner.args[0])
        inner = inner.args[1]
    if inner.op not in ("eq", "iff") or name.op != "var":
        raise Rejected("an equation or an equivalence is expected here")
    before, after = inner.args
    for sort in reversed(sorts):
        before, after = make("lam", None, sort, before), make("lam", None, sort, after)
    _expect(premise.conclusion, replace(template, {name: before}))
    return _conclude([equation, premise], replace(template, {name: after}))


# -- algebra and order ------------------------------------------------------------------------------------------------


def arithmetic(groups: Groups, terms: Arguments) -> Theorem:
    """a = b, a ≤ b or a < b, when b − a is Σ c·l(b_i − a_i)r over premises, up to a number ≥ 0 and normal forms.

    The terms are the claim, then for each premise its multiplier c and, for matrices, the factors l and r.
    """
    used, *given = groups
    claim, *rest = terms
    ring = _ring(given)
    a, b, strict = _sides(claim)
    left, positive = dict(ring.poly(_difference(b, a))), False
    for premise in used:
        formula, c = premise.conclusion, rest.pop(0)
        if claim.op == "eq" and formula.op != "eq":
            raise Rejected("an equation follows from equations")
        if formula.op == "eq" and formula.args[0].sort is not REAL:
            l, r = rest.pop(0), rest.pop(0)
            part = dot(l, _difference(formula.args[1], formula.args[0]), r)
            part = make("scale", None, c, part) if b.sort is not REAL else make("mul", None, c, trace(part))
            if part.sort is not b.sort:
                raise Rejected("a part does not have the shape of the claim")
        else:
            x, y, sharp = _sides(formula)
            if b.sort is not REAL:  # a number that is 0 times any matrix
                if c.sort is not b.sort:
                    raise Rejected("a factor does not have the shape of the claim")
                left = ring.add(left, ring.poly(make("scale", None, _difference(y, x), c)), Fraction(-1))
                continue
            if formula.op != "eq" and (c.op != "num" or c.val < 0):  # type: ignore[operator]
                raise Rejected("a comparison is multiplied by a number ≥ 0")
            part = make("mul", None, c, _difference(y, x))
            positive |= sharp and c.op == "num" and c.val > 0  # type: ignore[operator]
        left = ring.add(left, ring.poly(part), Fraction(-1))
    over = left.pop(((), (), ()), Fraction(0)) if b.sort is REAL else Fraction(0)
    if rest or left or over < 0 or (claim.op == "eq" and over) or (strict and not positive and not over):
        remains = ring.term({**left, **({((), (), ()): over} if over else {})}, b.sort)  # type: ignore[arg-type]
        raise Rejected(f"expected {claim!r}, but what is left of it is {remains!r}")
    return _conclude(_all(groups), claim)


def product(groups: Groups, _: Arguments) -> Theorem:
    """a ≤ b and c ≤ d give 0 ≤ (b − a)(d − c); strict if both are."""
    ((p, q),) = groups
    a, b, strict = _relation(p.conclusion)
    c, d, sharp = _relation(q.conclusion)
    return _conclude(
        (p, q), _compared(number(0), make("mul", None, _difference(b, a), _difference(d, c)), strict and sharp)
    )


def sum_order(groups: Groups, _: Arguments) -> Theorem:
    """∀i. a_i ≤ b_i gives Σ a_i ≤ Σ b_i; strict gives strict, if a second premise says 1 ≤ n."""
    ((p, *nonempty),) = groups
    if p.conclusion.op != "all" or p.conclusion.args[0].op != "Index":
        raise Rejected("a comparison for every index is expected here")
    a, b, strict = _relation(p.conclusion.args[1])
    n = p.conclusion.args[0].args[0]
    if strict:
        _expect(nonempty[0].conclusion if nonempty else number(0), at_most(number(1), _size(n)))
    return _conclude((p, *nonempty), _compared(make("sum", None, n, a), make("sum", None, n, b), strict))


def mean_order(groups: Groups, terms: Arguments) -> Theorem:
    """∀ξ. a ≤ b gives E a ≤ E b, for tame a and b; strict gives strict, and so do a(Σx) < b(Σx) and Σ ⪰ 0."""
    ((p, *somewhere), positive), (S, *at) = groups, terms
    if p.conclusion.op != "all" or p.conclusion.args[0] is not mat(shape(S)[0], ONE):
        raise Rejected("a comparison for every column is expected here")
    a, b, strict = _relation(p.conclusion.args[1])
    _tame(positive, frozenset({0}), a, b)
    if somewhere or at:
        (q, psd), (x,) = somewhere, at
        _expect(q.conclusion, less(*(instantiate(t, dot(S, x)) for t in (a, b))))
        _expect(psd.conclusion, semidefinite(S))
        if not _ring(([], positive, [])).is_continuous:
            raise Rejected("a comparison at one column is of continuous functions")
        strict = True
    return _conclude((p, *somewhere, *positive), _compared(make("mean", None, S, a), make("mean", None, S, b), strict))


def _tame(positive: Sequence[Theorem], random: frozenset[int], *terms: Term) -> None:
    ring = _ring(([], positive, []))
    for t in terms:
        if not is_tame(t, random, ring):
            raise Rejected(f"{t!r} is not seen to be tame")


def reciprocal(_: Groups, terms: Arguments) -> Theorem:
    """a ≠ 0 ⟹ a·a⁻¹ = 1."""
    (a,) = terms
    return _conclude(
        [],
        implies(make("not", None, equal(a, number(0))), equal(make("mul", None, a, make("inv", None, a)), number(1))),
    )


def inverse(_: Groups, terms: Arguments) -> Theorem:
    """XY = I ⟹ YX = I ∧ X⁻¹ = Y, for square matrices."""
    X, Y = terms
    one = identity(shape(X)[0])
    return _conclude([], implies(equal(dot(X, Y), one), both(equal(dot(Y, X), one), equal(make("minv", None, X), Y))))


def exponential(_: Groups, terms: Arguments) -> Theorem:
    """1 + a ≤ exp a, and 0 < exp a."""
    (a,) = terms
    power = make("exp", None, a)
    return _conclude([], both(at_most(make("add", None, number(1), a), power), less(number(0), power)))


def logarithm(_: Groups, terms: Arguments) -> Theorem:
    """0 < a ⟹ exp(log a) = a."""
    (a,) = terms
    return _conclude([], implies(less(number(0), a), equal(make("exp", None, make("log", None, a)), a)))


def softmax(_: Groups, terms: Arguments) -> Theorem:
    """lse(w, z) = log Σ w_l exp z_l, and smax(w, z)_k = w_k exp z_k (Σ w_l exp z_l)⁻¹: the term's definition."""
    (t,) = terms
    if t.op not in ("lse", "smax"):
        raise Rejected("a log-sum-exp or a softmax weight is expected here")
    weight = make("mul", None, t.args[1], make("exp", None, t.args[2]))
    whole = make("sum", None, t.args[0], weight)
    if t.op == "lse":
        return _conclude([], equal(t, make("log", None, whole)))
    return _conclude([], equal(t, make("mul", None, instantiate(weight, t.args[3]), make("inv", None, whole))))


def choice(groups: Groups, _: Arguments) -> Theorem:
    """∀i < n. ∃x. φ gives ∃f. ∀i. φ[f(i)]: a choice for each of finitely many indices."""
    ((p,),) = groups
    t = p.conclusion
    if t.op != "all" or t.args[0].op != "Index" or t.args[1].op != "ex":
        raise Rejected("for every index something exists, is expected here")
    i = _name(t.args[0], t)
    there = instantiate(t.args[1], i)
    f = _name(fun(t.args[0], there.args[0]), t, i)
    return _conclude((p,), bind("ex", f, bind("all", i, instantiate(there.args[1], make("ap", None, f, i)))))


def units(_: Groups, terms: Arguments) -> Theorem:
    """X = Σ_i e_i e_iᵀ X."""
    (X,) = terms
    n = shape(X)[0]
    e = make("unit", None, make("bound", 0, lift(index(n), 1)))
    return _conclude([], equal(X, make("sum", None, n, dot(e, turned(e), lift(X, 1)))))


def kronecker(_: Groups, terms: Arguments) -> Theorem:
    """i = j and [i = j] = 1, or i ≠ j and [i = j] = 0."""
    i, j = terms
    d, same = make("delta", None, i, j), equal(i, j)
    return _conclude([], either(both(same, equal(d, number(1))), both(make("not", None, same), equal(d, number(0)))))


def sizes(_: Groups, terms: Arguments) -> Theorem:
    """0 ≤ n, and m ≤ n or n + 1 ≤ m: sizes are natural numbers."""
    m, n = map(_size, terms)
    return _conclude(
        [], both(at_most(number(0), n), either(at_most(m, n), at_most(make("add", None, n, number(1)), m)))
    )


# -- expectation ------------------------------------------------------------------------------------------------------


def image(groups: Groups, terms: Arguments) -> Theorem:
    """Σ ⪰ 0: E_{ξ~N(Σ)} t(Xξ) = E_{η~N(XΣXᵀ)} t(η)."""
    ((p,),), (S, X, t) = groups, terms
    _expect(p.conclusion, semidefinite(S))
    xi = make("bound", 0, lift(mat(shape(S)[0], ONE), 1))
    left = make("mean", None, S, make("ap", None, lift(t, 1), dot(lift(X, 1), xi)))
    if t.op != "lam":
        raise Rejected("a function λη. t is expected here")
    return _conclude((p,), equal(left, make("mean", None, dot(X, S, turned(X)), t.args[1])))


def split(groups: Groups, terms: Arguments) -> Theorem:
    """Σ ⪰ 0, XΣYᵀ = 0: E_ξ t(Xξ, Yξ) = E_ξ E_η t(Xξ, Yη), ξ and η independent with law N(Σ), for tame t."""
    ((p, q), positive), (S, X, Y, t) = groups, terms
    _expect(p.conclusion, semidefinite(S))
    zero = dot(X, S, turned(Y))
    _expect(q.conclusion, equal(zero, make("zero", None, *shape(zero))))
    column = mat(shape(S)[0], ONE)
    xi, eta = (make("bound", i, lift(column, 2)) for i in (1, 0))
    apart = make("ap", None, make("ap", None, lift(t, 2), dot(lift(X, 2), xi)), dot(lift(Y, 2), eta))
    _tame(positive, frozenset({0, 1}), apart)
    xi = make("bound", 0, lift(column, 1))
    joint = make("ap", None, make("ap", None, lift(t, 1), dot(lift(X, 1), xi)), dot(lift(Y, 1), xi))
    return _conclude(
        (p, q, *positive),
        equal(make("mean", None, S, joint), make("mean", None, S, make("mean", None, lift(S, 1), apart))),
    )


def tilt(groups: Groups, terms: Arguments) -> Theorem:
    """Σ ⪰ 0: E exp(tr bᵀξ) t(ξ) = exp(½ tr bᵀΣb) E t(ξ + Σb)."""
    ((p,),), (S, b, t) = groups, terms
    _expect(p.conclusion, semidefinite(S))
    xi = make("bound", 0, lift(mat(shape(S)[0], ONE), 1))
    weight = make("exp", None, trace(dot(turned(lift(b, 1)), xi)))
    left = make("mean", None, S, make("mul", None, weight, make("ap", None, lift(t, 1), xi)))
    moved = make("ap", None, lift(t, 1), make("add", None, xi, lift(dot(S, b), 1)))
    half = make("exp", None, make("mul", None, number(Fraction(1, 2)), trace(dot(turned(b), S, b))))
    return _conclude((p,), equal(left, make("mul", None, half, make("mean", None, S, moved))))


def moderate(groups: Groups, terms: Arguments) -> Theorem:
    """f is tame, or measurable with ∀x. a ≤ f(x) and ∀x. f(x) ≤ b for tame a and b: then it is moderate."""
    (bounds, positive), (f,) = groups, terms
    found, t = make("moderate", None, f), applied(f)
    if not bounds:
        _tame(positive, frozenset({0}), t)
        return _conclude(positive, found)
    low, high = (_relation(p.conclusion.args[1])[:2] for p in bounds if p.conclusion.op == "all")
    _tame(positive, frozenset({0}), low[0], high[1])
    for p, sides in zip(bounds, ((low[0], t), (t, high[1])), strict=True):
        _expect(p.conclusion, make("all", None, f.sort.args[0], at_most(*sides)))  # type: ignore[union-attr]
    if not is_measurable(t, frozenset({0}), _ring(([], positive, []))):
        raise Rejected(f"{t!r} is not seen to be measurable")
    return _conclude((*bounds, *positive), found)


# -- calculus ---------------------------------------------------------------------------------------------------------


def differentiate(groups: Groups, terms: Arguments) -> Theorem:
    """∀s. f has the derivative g(s) at s: computed, and compared with g in normal form."""
    f, g = terms
    if f.op != "lam" or g.op != "lam" or f.sort is not fun(REAL, REAL) or g.sort is not f.sort:
        raise Rejected("two functions of a number are expected here")
    ring = _ring(groups)
    found = derivative(f.args[1], 0, ring)
    if not ring.equal(found, g.args[1]):
        raise Rejected(f"expected the derivative {ring.normal(found)!r}, found {ring.normal(g.args[1])!r}")
    s = make("bound", 0, REAL)
    return _conclude(_all(groups), make("all", None, REAL, make("deriv", None, lift(f, 1), s, g.args[1])))


def _derivative(t: Term) -> tuple[Term, Term, Term]:
    if t.op != "deriv":
        raise Rejected("a derivative is expected here")
    return t.args[0], t.args[1], t.args[2]


def one_derivative(groups: Groups, _: Arguments) -> Theorem:
    """A function has one derivative at a point."""
    ((p, q),) = groups
    f, a, v = _derivative(p.conclusion)
    g, b, w = _derivative(q.conclusion)
    if f is not g or a is not b:
        raise Rejected("the derivatives are not of one function at one point")
    return _conclude((p, q), equal(v, w))


def fermat(groups: Groups, _: Arguments) -> Theorem:
    """f has the derivative v at a, and f(a) ≤ f(a + t) for every t ≥ 0: then 0 ≤ v."""
    ((p, q),) = groups
    f, a, v = _derivative(p.conclusion)
    t = make("bound", 0, REAL)
    here, there = make("ap", None, f, a), make("ap", None, lift(f, 1), make("add", None, lift(a, 1), t))
    _expect(q.conclusion, make("all", None, REAL, implies(at_most(number(0), t), at_most(lift(here, 1), there))))
    return _conclude((p, q), at_most(number(0), v))


def increasing(groups: Groups, terms: Arguments) -> Theorem:
    """f has the derivative g(s) at every s, and 0 ≤ g(s) where a ≤ s ≤ b: then a ≤ b ⟹ f(a) ≤ f(b)."""
    ((p, q),), (a, b) = groups, terms
    if p.conclusion.op != "all":
        raise Rejected("a derivative at every point is expected here")
    f, s, v = _derivative(p.conclusion.args[1])
    if s is not make("bound", 0, REAL):
        raise Rejected("a derivative at every point is expected here")
    within = both(at_most(lift(a, 1), s), at_most(s, lift(b, 1)))
    _expect(q.conclusion, make("all", None, REAL, implies(within, at_most(number(0), v))))
    f = lower(f)
    return _conclude((p, q), implies(at_most(a, b), at_most(make("ap", None, f, a), make("ap", None, f, b))))


# -- classical theorems, taken by name --------------------------------------------------------------------------------


def factorisation(_: Groups, terms: Arguments) -> Theorem:
    """∃ρ, F: d × ρ, F⁺, H: ρ × r, H⁺. A = FH ∧ F⁺F = I ∧ HH⁺ = I: a rank factorisation, ρ = 0 for A = 0."""
    (A,) = terms
    d, r = shape(A)
    sorts: list[Callable[..., Term]] = [
        lambda: SIZE,
        lambda p: mat(d, p),
        lambda p, *_: mat(p, d),
        lambda p, *_: mat(p, r),
        lambda p, *_: mat(r, p),
    ]
    p, F, G, H, J = _names([A], *sorts)
    parts = both(equal(A, dot(F, H)), equal(dot(G, F), identity(p)), equal(dot(H, J), identity(p)))
    return _conclude([], _exists((p, F, G, H, J), parts), "rank factorisation")


def embedding(_: Groups, terms: Arguments) -> Theorem:
    """m ≤ n ⟹ ∃J: m × n. JJᵀ = I_m."""
    m, n = terms
    J = _name(mat(m, n), m, n)
    return _conclude(
        [],
        implies(at_most(_size(m), _size(n)), bind("ex", J, equal(dot(J, turned(J)), identity(m)))),
        "orthonormal rows",
    )


def _spectrum(X: Term, U: Term, eigenvalues: Term, weights: Term | None = None) -> Term:
    """Return X = U diag(λ) Uᵀ, or U diag(s λ) Uᵀ for weights s."""
    n = shape(X)[0]
    i = _name(index(n), X, U, eigenvalues, *([weights] if weights else []))
    e = make("unit", None, i)
    value = make("ap", None, eigenvalues, i)
    scaled = make("mul", None, make("ap", None, weights, i), value) if weights else value
    return equal(X, make("sum", None, n, close(make("scale", None, scaled, dot(U, e, turned(e), turned(U))), i)))


def _orthogonal(U: Term) -> Term:
    one = identity(shape(U)[0])
    return both(equal(dot(turned(U), U), one), equal(dot(U, turned(U)), one))


def spectral(_: Groups, terms: Arguments) -> Theorem:
    """X = Xᵀ ⟹ ∃U, λ. UᵀU = UUᵀ = I ∧ X = Σ_i λ_i U e_i e_iᵀ Uᵀ."""
    (X,) = terms
    n = shape(X)[0]
    U, values = _names([X], lambda: mat(n, n), lambda *_: fun(index(n), REAL))
    parts = both(_orthogonal(U), _spectrum(X, U, values))
    return _conclude([], implies(equal(X, turned(X)), _exists((U, values), parts)), "spectral theorem")


def top_part(Y: Term, r: Term, Z: Term) -> Term:
    """Return: Z is a top part of rank r of Y, the part of Y on eigenvectors of its r largest eigenvalues that are ≥ 0.

    ∃U, λ, s. U orthogonal, Y = U diag(λ) Uᵀ, Z = U diag(sλ) Uᵀ, s_i ∈ {0, 1}, Σ s_i ≤ r, λ_i ≥ 0 where s_i = 1,
    λ_j ≤ λ_i where s_i = 1 and s_j = 0, and Σ s_i = r unless λ_i ≤ 0 wherever s_i = 0.
    """
    n, zero, one = shape(Y)[0], number(0), number(1)
    family: Callable[..., Term] = lambda *_: fun(index(n), REAL)  # noqa: E731
    U, values, chosen = _names([Y, Z, r], lambda: mat(n, n), family, family)
    i, j = _names([Y, Z, U, values, chosen], lambda: index(n), lambda _: index(n))
    si, sj, li, lj = (make("ap", None, f, k) for f, k in ((chosen, i), (chosen, j), (values, i), (values, j)))
    count = make("sum", None, n, close(si, i))
    parts = both(
        _orthogonal(U),
        _spectrum(Y, U, values),
        _spectrum(Z, U, values, chosen),
        bind("all", i, either(equal(si, zero), equal(si, one))),
        at_most(count, _size(r)),
        bind("all", i, implies(equal(si, one), at_most(zero, li))),
        bind("all", i, bind("all", j, implies(both(equal(si, one), equal(sj, zero)), at_most(lj, li)))),
        either(equal(count, _size(r)), bind("all", i, implies(equal(si, zero), at_most(li, zero)))),
    )
    return _exists((U, values, chosen), parts)


def best_approximation(_: Groups, terms: Arguments) -> Theorem:
    """Y = Yᵀ, F: n × r ⟹ ((∀G: n × r. ‖FFᵀ − Y‖² ≤ ‖GGᵀ − Y‖²) ⟺ FFᵀ is a top part of rank r of Y)."""
    Y, F = terms
    G = _name(mat(*shape(F)), Y, F)

    def error(M: Term) -> Term:
        apart = _difference(dot(M, turned(M)), Y)
        return trace(dot(turned(apart), apart))

    best = bind("all", G, at_most(error(F), error(G)))
    top = top_part(Y, shape(F)[1], dot(F, turned(F)))
    return _conclude([], implies(equal(Y, turned(Y)), make("iff", None, best, top)), "Eckart–Young–Mirsky theorem")


def infer(rule: str, groups: Groups, terms: Arguments) -> Theorem:
    """Return what a rule concludes; the terms it is given suppose the indices in them. The one door to the rules."""
    if rule not in RULES:
        raise Rejected(f"there is no rule {rule!r}")
    if any(t.loose or any(v.op != "var" for v in t.free) for t in terms):
        raise Rejected("a term given to a rule has a variable that nothing binds")
    return inferred(rule, tuple(map(tuple, groups)), tuple(terms))


@lru_cache(maxsize=2**16)
def inferred(rule: str, groups: tuple[tuple[Theorem, ...], ...], terms: tuple[Term, ...]) -> Theorem:
    """Apply a rule; what was inferred from the same theorems and terms before is remembered."""
    names = RULES[rule].__code__.co_varnames[:2]
    if (names[0] == "_" and groups) or (names[1] == "_" and terms):
        raise Rejected(f"{rule} is given more than it takes")
    try:
        found = RULES[rule](groups, terms)
    except (ValueError, IndexError, AttributeError, TypeError) as error:
        raise Rejected(f"{rule} is not given what it takes") from error
    if rule in ("generalise", "choose"):
        return found
    named = _indices(*terms) - ({terms[0]} if rule == "rewrite" else set())  # the hole of a template is no index
    return found._replace(indices=found.indices | named)


RULES: dict[str, Callable[[Groups, Arguments], Theorem]] = {
    f.__name__: f
    for f in (
        assume, discharge, tautology, generalise, specialise, exhibit, choose, rewrite,
        arithmetic, product, sum_order, mean_order, reciprocal, inverse, exponential, logarithm, softmax,
        choice, units, kronecker, sizes, image, split, tilt, moderate,
        differentiate, one_derivative, fermat, increasing,
        factorisation, embedding, spectral, best_approximation,
    )
}  # fmt: skip
