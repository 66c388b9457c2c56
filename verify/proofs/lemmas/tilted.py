"""Lemma about Gaussian means of exponentials times quadratic functions: a factor exp bᵀξ moves the mean by Σb."""

from __future__ import annotations

from thmverify.proofs.expressions import Col, Expr, Mat, Real, Size, eq, exp, fn, fresh, mean, num, psd, tr
from thmverify.proofs.script import Line, Script


def tilted(s: Script) -> Line:
    """∀d, S, b, B, g, c. S ⪰ 0 ⟹ E (ξᵀBξ + gᵀξ + c) exp bᵀξ = (tr BS + (Sb)ᵀB(Sb) + gᵀSb + c) exp ½bᵀSb."""
    d = fresh(Size, "d")
    S, b, g = fresh(Mat(d, d), "S"), fresh(Col(d), "b"), fresh(Col(d), "g")
    B, c = fresh(Mat(d, d), "B"), fresh(Real, "c")
    given = s.assume(psd(S))

    def quadratic(xi: Expr) -> Expr:
        return tr(xi.T @ B @ xi) + tr(g.T @ xi) + c

    line = s.apply("tilt", [[given]], [S, b, fn(Col(d), quadratic)])
    value = tr(B @ S) + tr(b.T @ S @ B @ S @ b) + tr(g.T @ S @ b) + c
    claim = eq(mean(S, lambda xi: quadratic(xi) * exp(tr(b.T @ xi))), value * exp(num("1/2") * tr(b.T @ S @ b)))
    found = s.lin(claim, [line], s.parts(given)[0], psd=[given])
    return s.gen(s.discharge(found, given), d, S, b, B, g, c)
