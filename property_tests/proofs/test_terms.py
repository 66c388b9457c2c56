"""Terms: substitution keeps its meaning and captures nothing; what has no sort is no term."""

from __future__ import annotations

from fractions import Fraction

import pytest

from property_tests.proofs.evaluate import Evaluator, Undecided
from property_tests.proofs.generate import DEFINITIONS, N, Terms, num
from thmverify.kernel.proofs.terms import (
    ONE,
    PROP,
    REAL,
    SIZE,
    close,
    fun,
    index,
    instantiate,
    lift,
    lower,
    make,
    mat,
    replace,
)
from thmverify.kernel.strict import Rejected

X, Y = make("var", "x", REAL), make("var", "y", REAL)


def test_substitution_is_evaluation_elsewhere():
    checked = 0
    for seed in range(300):
        g = Terms(seed)
        i = g.variable("i0", index(N))
        g.indices.append(i)
        a = g.variable("a", REAL)
        t, value = g.real(4), g.real(2)
        f = g.variable("f", fun(i.sort, i.sort))
        put = replace(t, {a: value, i: make("ap", None, f, i)})
        assert instantiate(close(t, a), a) is t
        assert instantiate(close(t, i), i) is t
        assert replace(replace(t, {a: X}), {X: a}) is t
        try:
            values = g.values(seed)
            if not values.values[N]:
                continue
            inner = {**values.values, a: values(value), i: values.values[f](values.values[i])}
            assert values(put) == pytest.approx(Evaluator(inner, DEFINITIONS)(t), rel=1e-9, abs=1e-9)
            checked += 1
        except Undecided:
            continue
    assert checked > 150


def test_lifting_and_lowering():
    for seed in range(200):
        g = Terms(seed)
        x = make("var", "s", REAL)
        plain = g.variable
        g.variable = lambda name, sort, plain=plain, x=x: x if sort is REAL else plain(name, sort)  # type: ignore[method-assign]
        t = g.real(4)
        body = close(t, x)
        assert lower(lift(body, 1)) is body
        assert lift(lift(body, 1), 1) is lift(body, 2)
        if x in t.free:
            with pytest.raises(Rejected):
                lower(body)
        else:
            assert lower(body) is t


def test_a_value_is_not_captured():
    """(∀y. x ≤ y)[x := y] speaks of the free y."""
    inner = make("all", None, REAL, close(make("le", None, X, Y), Y))
    put = replace(inner, {X: Y})
    assert Y in put.free
    assert put is not make("all", None, REAL, close(make("le", None, Y, Y), Y))
    assert put is make("all", None, REAL, close(make("le", None, Y, X), X))


def test_names_of_bound_variables_do_not_matter():
    for first, second in ((X, Y), (make("var", "x", SIZE), make("var", "y", SIZE))):
        body = [make("le", None, *(make("size", None, v) if v.sort is SIZE else v,) * 2) for v in (first, second)]
        both = [make("ex", None, v.sort, close(b, v)) for v, b in zip((first, second), body, strict=True)]
        assert both[0] is both[1]


def test_values_of_other_types_are_other_terms():
    make("bound", 1, REAL)
    make("lit", 1)
    for op, value, *args in (
        ("bound", True, REAL),
        ("bound", Fraction(1), REAL),
        ("bound", "1", REAL),
        ("lit", True),
        ("lit", Fraction(1)),
        ("lit", "1"),
        ("lit", 1.0),
        ("num", 1),
        ("num", True),
        ("num", "1"),
        ("num", 1.0),
        ("var", 1, REAL),
        ("nth", True, make("lit", 2)),
        ("add", 1, X, X),
        ("le", "x", X, X),
        ("add", [], X, X),
        ("num", None),
    ):
        with pytest.raises(Rejected):
            make(op, value, *args)


def test_sorts_that_depend_on_what_is_bound():
    n = make("bound", 0, SIZE)
    with pytest.raises(Rejected):
        make("var", "x", mat(n, ONE))
    with pytest.raises(Rejected):  # x: n × 1, and n would be bound
        close(make("var", "x", mat(N, ONE)), N)
    with pytest.raises(Rejected):  # λn. I_n
        make("lam", None, SIZE, make("id", None, n))
    with pytest.raises(Rejected):
        fun(SIZE, REAL)
    with pytest.raises(Rejected):
        fun(REAL, SIZE)
    with pytest.raises(Rejected):  # the variable that is bound is no number
        make("all", None, REAL, make("le", None, make("size", None, n), num(0)))


@pytest.mark.parametrize(
    ("op", "args"),
    [
        ("add", (X, make("id", None, N))),
        ("dot", (make("zero", None, N, ONE), make("zero", None, N, ONE))),
        ("tr", (make("zero", None, N, ONE),)),
        ("minv", (make("zero", None, N, ONE),)),
        ("mean", (make("zero", None, N, ONE), X)),
        ("eq", (X, make("zero", None, ONE, ONE))),
        ("eq", (N, N)),
        ("eq", (make("lam", None, REAL, X), make("lam", None, REAL, X))),
        ("all", (X, make("le", None, X, X))),
        ("sum", (N, make("le", None, X, X))),
        ("and", (X,)),
        ("ap", (X, X)),
        ("smax", (N, X, X, make("var", "i", index(make("lit", 2))))),
        ("deriv", (X, X, X)),
        ("moderate", (X,)),
        ("moderate", (make("lam", None, REAL, X),)),
        ("moderate", (make("lam", None, index(N), X),)),
        ("moderate", (make("lam", None, fun(index(N), REAL), X),)),
        ("moderate", (make("lam", None, mat(N, N), X),)),
        ("moderate", (make("lam", None, mat(ONE, N), X),)),
        ("moderate", (make("lam", None, mat(N, ONE), make("zero", None, ONE, ONE)),)),
        ("moderate", (make("lam", None, mat(N, ONE), make("le", None, X, X)),)),
        ("moderate", (make("lam", None, mat(N, ONE), X), X)),
        ("not", (X,)),
        ("Mat", (N,)),
        ("Index", (REAL,)),
        ("Fun", (X, REAL)),
        ("nothing", ()),
    ],
)
def test_what_has_no_sort_is_no_term(op, args):
    with pytest.raises(Rejected):
        make(op, None, *args)


def test_what_is_moderate_is_a_function_of_columns():
    for size in (N, ONE, make("lit", 0)):
        assert make("moderate", None, make("lam", None, mat(size, ONE), X)).sort is PROP
        assert make("moderate", None, make("var", "f", fun(mat(size, ONE), REAL))).sort is PROP


def test_true_and_false_are_formulas():
    assert make("and").sort is make("or").sort is PROP
