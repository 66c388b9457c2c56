"""What proofs about finite graphs speak of: points below n, weights of pairs of points, columns f(x) of features.

A point x is an index below n, and w(x, x') the weight of the pair. Each loss and predicate has one meaning, here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thmverify.kernel.proofs.rules import top_part
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Fun,
    Index,
    Mat,
    Real,
    Size,
    conj,
    delta,
    eq,
    exists,
    exp,
    eye,
    forall,
    inv,
    log,
    num,
    real,
    total,
    tr,
    unit,
    var,
    zero,
)

if TYPE_CHECKING:
    from thmverify.proofs.script import Script

n, r, c = var("n", Size), var("r", Size), var("c", Size)
w = var("w", Fun(Index(n), Index(n), Real))
f = var("f", Family(n, Col(r)))
Y, Z = var("Y", Mat(n, n)), var("Z", Mat(n, n))
U, lam = var("U", Mat(n, r)), var("lambda", Real)
label, predicted = var("y", Family(n, Index(c))), var("p", Family(n, Index(c)))
b = var("b", Mat(r, c))
t = var("t", Real)


def norm(X: Expr) -> Expr:
    """‖X‖² = tr(XᵀX)."""
    return tr(X.T @ X)


def pairs(n: Expr, body: Callable[[Expr, Expr], Expr]) -> Expr:
    """Σ over all pairs x, x' of points."""
    return total(n, lambda x: total(n, lambda y: body(x, y)))


@dataclass(frozen=True)
class Graph:
    """A graph on n points, and features in R^r of its points.

    Every method writes a name whose definition is the one below, at this graph's letters and the arguments given.
    """

    script: Script
    n: Expr = n
    r: Expr = r
    w: Expr = w

    @property
    def own(self) -> Graph:
        """The graph of the definitions' own letters."""
        return Graph(self.script)

    def root(self, a: Expr) -> Expr:
        """√a = exp(½ log a), for a > 0."""
        return self.script.define("Root", (t,), exp(num("1/2") * log(t)))(a)

    def degree(self, x: Expr) -> Expr:
        """w_x = Σ_x' w(x, x')."""
        point = var("x", Index(n))
        return self.script.define("Degree", (n, w, point), total(n, lambda y: w(point, y)))(self.n, self.w, x)

    @property
    def similarity(self) -> Expr:
        """Ā, with the entries w(x, x')/(√w_x √w_x')."""
        g = self.own
        scale: Callable[[Expr], Expr] = lambda x: inv(g.root(g.degree(x)))  # noqa: E731
        body = pairs(n, lambda x, y: w(x, y) * scale(x) * scale(y) * (unit(x) @ unit(y).T))
        return self.script.define("Similarity", (n, w), body)(self.n, self.w)

    def rows(self, f_: Expr) -> Expr:
        """F, with the rows √w_x f(x)ᵀ."""
        g = self.own
        body = total(n, lambda x: g.root(g.degree(x)) * (unit(x) @ f(x).T))
        return self.script.define("Rows", (n, r, w, f), body)(self.n, self.r, self.w, f_)

    def loss(self, f_: Expr) -> Expr:
        """L(f) = −2 Σ w(x, x') f(x)ᵀf(x') + Σ w_x w_x' (f(x)ᵀf(x'))²."""
        g = self.own
        agreement = pairs(n, lambda x, y: w(x, y) * tr(f(x).T @ f(y)))
        squares = pairs(n, lambda x, y: g.degree(x) * g.degree(y) * tr(f(x).T @ f(y)) ** 2)
        return self.script.define("GraphSpectralLoss", (n, r, w, f), -2 * agreement + squares)(
            self.n, self.r, self.w, f_
        )

    def minimises(self, f_: Expr) -> Expr:
        """F minimises L over all features in as many dimensions."""
        g = self.own
        body = forall(f.sort, lambda other: g.loss(f) <= g.loss(other))
        return self.script.define("MinimisesGraphSpectralLoss", (n, r, w, f), body)(self.n, self.r, self.w, f_)

    # -- InfoNCE ------------------------------------------------------------------------------------------------------

    def infonce(self, f_: Expr) -> Expr:
        """L(f) = −Σ w(x, x') f(x)ᵀf(x') + Σ_x w_x log Σ_x' w_x' exp f(x)ᵀf(x'): InfoNCE, when the weights sum to 1."""
        g = self.own
        agreement = pairs(n, lambda x, y: w(x, y) * tr(f(x).T @ f(y)))
        negatives = total(n, lambda x: g.degree(x) * log(total(n, lambda y: g.degree(y) * exp(tr(f(x).T @ f(y))))))
        return self.script.define("GraphInfoNCE", (n, r, w, f), -agreement + negatives)(self.n, self.r, self.w, f_)

    def minimises_infonce(self, f_: Expr) -> Expr:
        """F minimises InfoNCE over all features in as many dimensions."""
        g = self.own
        body = forall(f.sort, lambda other: g.infonce(f) <= g.infonce(other))
        return self.script.define("MinimisesGraphInfoNCE", (n, r, w, f), body)(self.n, self.r, self.w, f_)

    def alike(self, x: Expr, y: Expr) -> Expr:
        """The pairs do not tell x and y apart: w(x, z)/w_x = w(y, z)/w_y for every point z."""
        g, one, other = self.own, var("x", Index(n)), var("x'", Index(n))
        body = forall(Index(n), lambda z: eq(w(one, z) * g.degree(other), w(other, z) * g.degree(one)))
        return self.script.define("Alike", (n, w, one, other), body)(self.n, self.w, x, y)

    def top_part(self, Y_: Expr, Z_: Expr) -> Expr:
        """Z is the part of Y at its r largest eigenvalues, without the negative ones."""
        body = Expr(top_part(Y.term, r.term, Z.term))
        return self.script.define("TopPart", (n, r, Y, Z), body)(self.n, self.r, Y_, Z_)

    # -- eigenvectors, labels and a linear probe ----------------------------------------------------------------------

    @property
    def laplacian(self) -> Expr:
        """I − Ā."""
        return eye(self.n) - self.similarity

    def lowest(self, M: Expr, U_: Expr, level: Expr) -> Expr:
        """U holds orthonormal eigenvectors of M = Mᵀ at its r lowest eigenvalues, and λ is the next eigenvalue.

        That is: the eigenvalues of U's columns are at most λ, and λ is the least eigenvalue of M that has an
        eigenvector orthogonal to these columns.
        """

        def eigenvector(v: Expr, level: Expr) -> Expr:
            return conj(~eq(v, zero(n)), eq(U.T @ v, zero(r)), eq(Y @ v, level * v))

        def column(nu: Expr, a: Expr) -> Expr:
            return conj(eq(Y @ U @ unit(a), nu(a) * (U @ unit(a))), nu(a) <= lam)

        body = conj(
            eq(U.T @ U, eye(r)),
            exists(Family(r, Real), lambda nu: forall(Index(r), lambda a: column(nu, a))),
            exists(Col(n), lambda v: eigenvector(v, lam)),
            forall(Real, lambda level: forall(Col(n), lambda v: eigenvector(v, level) >> (lam <= level))),
        )
        return self.script.define("LowestEigenvectors", (n, r, Y, U, lam), body)(self.n, self.r, M, U_, level)

    def feature(self, U_: Expr, x: Expr) -> Expr:
        """φ(x) = U_x/√w_x, U_x the row of the point x in U, as a column."""
        g, point = self.own, var("x", Index(n))
        body = inv(g.root(g.degree(point))) * (U.T @ unit(point))
        return self.script.define("Feature", (n, r, w, U, point), body)(self.n, self.r, self.w, U_, x)

    def fit(self, labels: Expr, U_: Expr, probe: Expr) -> Expr:
        """Σ_x w_x ‖e_{y_x} − bᵀφ(x)‖²: how far the scores of a probe b are from the labels."""
        g = self.own
        body = total(n, lambda x: g.degree(x) * norm(unit(label(x)) - b.T @ g.feature(U, x)))
        return self.script.define("ProbeLoss", (n, r, w, c, label, U, b), body)(
            self.n, self.r, self.w, probe.cols, labels, U_, probe
        )

    def least_squares(self, labels: Expr, U_: Expr, probe: Expr) -> Expr:
        """The probe b fits the labels best, by least squares."""
        g = self.own
        body = forall(b.sort, lambda other: g.fit(label, U, b) <= g.fit(label, U, other))
        return self.script.define("LeastSquaresProbe", (n, r, w, c, label, U, b), body)(
            self.n, self.r, self.w, probe.cols, labels, U_, probe
        )

    def arg_max(self, U_: Expr, probe: Expr, prediction: Expr) -> Expr:
        """P predicts for each point x a class p_x of the largest score: e_jᵀbᵀφ(x) ≤ e_{p_x}ᵀbᵀφ(x) for every j."""
        g = self.own

        def score(x: Expr, j: Expr) -> Expr:
            return tr(unit(j).T @ b.T @ g.feature(U, x))

        body = forall(Index(n), lambda x: forall(Index(c), lambda j: score(x, j) <= score(x, predicted(x))))
        return self.script.define("ArgMax", (n, r, w, c, U, b, predicted), body)(
            self.n, self.r, self.w, probe.cols, U_, probe, prediction
        )

    def error(self, labels: Expr, prediction: Expr) -> Expr:
        """Pr(p_x ≠ y_x) = Σ_x w_x [p_x ≠ y_x] / Σ_x w_x."""
        g = self.own
        wrong = total(n, lambda x: g.degree(x) * (1 - delta(predicted(x), label(x))))
        body = wrong / total(n, g.degree)
        return self.script.define("ErrorProbability", (n, w, c, label, predicted), body)(
            self.n, self.w, classes(labels), labels, prediction
        )

    def disagreement(self, labels: Expr) -> Expr:
        """φ = Σ w(x, x') [y_x ≠ y_x'] / Σ w(x, x'): the probability that the labels of a pair differ."""
        differ = pairs(n, lambda x, y: w(x, y) * (1 - delta(label(x), label(y))))
        body = differ / pairs(n, w)
        return self.script.define("Disagreement", (n, w, c, label), body)(self.n, self.w, classes(labels), labels)


def classes(labels: Expr) -> Expr:
    """The number of classes of a family of labels."""
    return Expr(labels.sort.args[1].args[0])


# -- hypotheses: formulas over the letters above, by the names that statements use ------------------------------------

WEIGHTS_SYMMETRIC = forall(Index(n), lambda x: forall(Index(n), lambda y: eq(w(x, y), w(y, x))))
WEIGHTS_NONNEGATIVE = forall(Index(n), lambda x: forall(Index(n), lambda y: num(0) <= w(x, y)))
DEGREES_POSITIVE = forall(Index(n), lambda x: num(0) < total(n, lambda y: w(x, y)))
FEWER_THAN_POINTS = real(r) < real(n)

HYPOTHESES: dict[str, Expr] = {
    "weights-symmetric": WEIGHTS_SYMMETRIC,
    "weights-nonnegative": WEIGHTS_NONNEGATIVE,
    "degrees-positive": DEGREES_POSITIVE,
    "fewer-than-points": FEWER_THAN_POINTS,
}
