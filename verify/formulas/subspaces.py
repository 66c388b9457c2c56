"""Columns of maps: independent ones, and one column space within another.

Each function writes a name that the script defines when it first uses it. Letters of sizes are parameters, so that the
names serve maps of any shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from thmverify.proofs.expressions import Expr, Mat, Size, eq, exists, eye, var

if TYPE_CHECKING:
    from thmverify.proofs.script import Script

p, q, r = var("p", Size), var("q", Size), var("r", Size)
X, Y = var("X", Mat(p, q)), var("Y", Mat(p, r))


def independent_columns(script: Script, A: Expr) -> Expr:
    """A has independent columns: CA = I for some C."""
    body = exists(Mat(q, p), lambda C: eq(C @ X, eye(q)))
    return script.define("IndependentColumns", (p, q, X), body)(A.rows, A.cols, A)


def columns_within(script: Script, A: Expr, B: Expr) -> Expr:
    """Col(A) ⊆ Col(B): A = BC for some C."""
    body = exists(Mat(r, q), lambda C: eq(X, Y @ C))
    return script.define("ColumnsWithin", (p, q, r, X, Y), body)(A.rows, A.cols, B.cols, A, B)
