"""Formulas for readers: each operation of terms is written."""

from __future__ import annotations

import pytest

from property_tests.proofs.test_documentation import operations
from thmverify.kernel.proofs.terms import BINDERS
from thmverify.proofs import latex
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Fun,
    Index,
    Real,
    Size,
    fn,
    forall,
    has_derivative,
    moderate,
    tr,
    var,
)

n = var("n", Size)
f, g = var("f", Fun(Col(n), Real)), var("g", Fun(Real, Real))
F = var("F", Fun(Index(n), Col(n), Real))
a, v = var("a", Real), var("x", Col(n))


@pytest.mark.parametrize(
    ("formula", "wanted"),
    [
        (moderate(f), r"\mathrm{Moderate}\left(f\right)"),
        (forall(Index(n), lambda k: moderate(F(k))), r"{\forall k < n}:\; \mathrm{Moderate}\left(F_{k}\right)"),
        (
            moderate(fn(Col(n), lambda y: tr(v.T @ y) * a)),
            r"\mathrm{Moderate}\left(y \mapsto \left(x^{T} y\right) \, a\right)",
        ),
        (moderate(f) & moderate(f), r"\mathrm{Moderate}\left(f\right) \;\wedge\; \mathrm{Moderate}\left(f\right)"),
        (~moderate(f), r"\neg\left(\mathrm{Moderate}\left(f\right)\right)"),
        (has_derivative(g, a, 1), r"g'(a) = 1"),
    ],
)
def test_what_is_said_of_a_function_is_written(formula: Expr, wanted: str) -> None:
    assert latex.latex(formula.term) == wanted


def test_each_operation_is_written() -> None:
    sorts = {"Size", "Real", "Prop", "Index", "Mat", "Fun"}
    assert operations() - sorts - {"slot"} == set(latex._WRITERS) | set(BINDERS)
