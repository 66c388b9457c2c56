"""Columns of maps: independent ones, and one column space within another.

Each function writes a name that the script defines when it first uses it. Letters of sizes are parameters, so that the
names serve maps of any shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from thmverify.formulas.names import named
from thmverify.kernel.proofs.rules import top_part as top_part_term
from thmverify.proofs.expressions import Expr, Mat, Size, eq, exists, eye, var

if TYPE_CHECKING:
    from thmverify.proofs.script import Script

p, q, r = var("p", Size), var("q", Size), var("r", Size)
X, Y = var("X", Mat(p, q)), var("Y", Mat(p, r))
n = var("n", Size)
WHOLE, PART = var("Y", Mat(n, n)), var("Z", Mat(n, n))


@named("IndependentColumns", (p, q, X), X)
def independent_columns(_: Script, X: Expr) -> Expr:
    """X has independent columns: CX = I for some C."""
    return exists(Mat(q, p), lambda C: eq(C @ X, eye(q)))


@named("ColumnsWithin", (p, q, r, X, Y), X, Y)
def columns_within(_: Script, X: Expr, Y: Expr) -> Expr:
    """Col(X) ⊆ Col(Y): X = YC for some C."""
    return exists(Mat(r, q), lambda C: eq(X, Y @ C))


@named("TopPart", (n, r, WHOLE, PART), WHOLE, r, PART)
def top_part(_: Script, Y: Expr, r: Expr, Z: Expr) -> Expr:
    """Z is the part of Y = Yᵀ on eigenvectors of its r largest eigenvalues, without the negative ones."""
    return Expr(top_part_term(Y.term, r.term, Z.term))
