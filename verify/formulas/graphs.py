"""What proofs about finite graphs speak of: points below n, weights of pairs of points, columns f(x) of features.

A point x is an index below n, and w(x, x') the weight of the pair. Each loss and predicate has one meaning, here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thmverify.formulas.names import named
from thmverify.formulas.subspaces import top_part
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
Y = var("Y", Mat(n, n))
POINT, OTHER = var("x", Index(n)), var("x'", Index(n))
U, lam = var("U", Mat(n, r)), var("lambda", Real)
label, predicted = var("y", Family(n, Index(c))), var("p", Family(n, Index(c)))
b = var("b", Mat(r, c))
t = var("t", Real)
K = var("K", Size)
coupling = var("c", Fun(Index(K), Index(K), Real))
laws = var("P", Fun(Index(K), Index(n), Real))
COMPONENT = var("k", Index(K))


def norm(X: Expr) -> Expr:
    """‖X‖² = tr(XᵀX)."""
    return tr(X.T @ X)


def pairs(n: Expr, body: Callable[[Expr, Expr], Expr]) -> Expr:
    """Σ over all pairs x, x' of points."""
    return total(n, lambda x: total(n, lambda y: body(x, y)))


@dataclass(frozen=True)
class Graph:
    """A graph on n points, and features in R^r of its points; its names."""

    script: Script
    n: Expr = n
    r: Expr = r
    w: Expr = w

    @property
    def own(self) -> Graph:
        """The graph of the letters above."""
        return Graph(self.script)

    @property
    def values(self) -> dict[Expr, Expr]:
        """What stands for the letters."""
        return {n: self.n, r: self.r, w: self.w}

    @named("Root", (t,), t)
    def root(self, t: Expr) -> Expr:
        """√t = exp(½ log t), for t > 0."""
        return exp(num("1/2") * log(t))

    @named("Degree", (n, w, POINT), POINT)
    def degree(self, x: Expr) -> Expr:
        """w_x = Σ_x' w(x, x')."""
        return total(n, lambda y: w(x, y))

    @property
    @named("Similarity", (n, w))
    def similarity(self) -> Expr:
        """Ā, with the entries w(x, x')/(√w_x √w_x')."""
        scale: Callable[[Expr], Expr] = lambda x: inv(self.root(self.degree(x)))  # noqa: E731
        return pairs(n, lambda x, y: w(x, y) * scale(x) * scale(y) * (unit(x) @ unit(y).T))

    @named("Rows", (n, r, w, f), f)
    def rows(self, f: Expr) -> Expr:
        """F, with the rows √w_x f(x)ᵀ."""
        return total(n, lambda x: self.root(self.degree(x)) * (unit(x) @ f(x).T))

    @named("GraphSpectralLoss", (n, r, w, f), f)
    def loss(self, f: Expr) -> Expr:
        """L(f) = −2 Σ w(x, x') f(x)ᵀf(x') + Σ w_x w_x' (f(x)ᵀf(x'))²."""
        agreement = pairs(n, lambda x, y: w(x, y) * tr(f(x).T @ f(y)))
        squares = pairs(n, lambda x, y: self.degree(x) * self.degree(y) * tr(f(x).T @ f(y)) ** 2)
        return -2 * agreement + squares

    @named("MinimisesGraphSpectralLoss", (n, r, w, f), f)
    def minimises(self, f: Expr) -> Expr:
        """F minimises L over all features in as many dimensions."""
        return forall(f.sort, lambda other: self.loss(f) <= self.loss(other))

    # -- InfoNCE ------------------------------------------------------------------------------------------------------

    @named("GraphInfoNCE", (n, r, w, f), f)
    def infonce(self, f: Expr) -> Expr:
        """L(f) = −Σ w(x, x') f(x)ᵀf(x') + Σ_x w_x log Σ_x' w_x' exp f(x)ᵀf(x'): InfoNCE, when the weights sum to 1."""
        agreement = pairs(n, lambda x, y: w(x, y) * tr(f(x).T @ f(y)))
        partition: Callable[[Expr], Expr] = lambda x: total(n, lambda y: self.degree(y) * exp(tr(f(x).T @ f(y))))  # noqa: E731
        return -agreement + total(n, lambda x: self.degree(x) * log(partition(x)))

    @named("MinimisesGraphInfoNCE", (n, r, w, f), f)
    def minimises_infonce(self, f: Expr) -> Expr:
        """F minimises InfoNCE over all features in as many dimensions."""
        return forall(f.sort, lambda other: self.infonce(f) <= self.infonce(other))

    @named("Alike", (n, w, POINT, OTHER), POINT, OTHER)
    def alike(self, x: Expr, y: Expr) -> Expr:
        """The pairs do not tell x and y apart: w(x, z)/w_x = w(y, z)/w_y for every point z."""
        return forall(Index(n), lambda z: eq(w(x, z) * self.degree(y), w(y, z) * self.degree(x)))

    # -- pairs of points that come from pairs of components -----------------------------------------------------------

    @named("Describes", (n, w, K, coupling, laws), coupling, laws)
    def describes(self, coupling: Expr, laws: Expr) -> Expr:
        """Pairs of points come from pairs of components, by the laws P_k and the weights c_kl of pairs of components.

        w(x, x') = Σ_kl c_kl P_k(x)P_l(x'), the P_k sum to 1 and each component has a weight Σ_l c_kl > 0.
        """
        of_pairs: Callable[[Expr, Expr], Expr] = lambda x, y: total(  # noqa: E731
            K, lambda k: total(K, lambda l: coupling(k, l) * laws(k, x) * laws(l, y))
        )
        return conj(
            forall(Index(n), lambda x: forall(Index(n), lambda y: eq(w(x, y), of_pairs(x, y)))),
            forall(Index(K), lambda k: eq(total(n, lambda x: laws(k, x)), 1)),
            forall(Index(K), lambda k: num(0) < total(K, lambda l: coupling(k, l))),
        )

    @named("PointPosterior", (n, K, coupling, laws, POINT, COMPONENT), coupling, laws, POINT, COMPONENT)
    def point_posterior(self, coupling: Expr, laws: Expr, x: Expr, k: Expr) -> Expr:
        """Pr(z = k | x) = π_k P_k(x) / Σ_j π_j P_j(x), with π_k = Σ_l c_kl."""
        joint: Callable[[Expr], Expr] = lambda k: total(K, lambda l: coupling(k, l)) * laws(k, x)  # noqa: E731
        return joint(k) * inv(total(K, joint))

    def top_part(self, of: Expr, part: Expr) -> Expr:
        """The part of a symmetric matrix at its r largest eigenvalues, without the negative ones."""
        return top_part(self.script, of, self.r, part)

    # -- eigenvectors, labels and a linear probe ----------------------------------------------------------------------

    @property
    def laplacian(self) -> Expr:
        """I − Ā."""
        return eye(self.n) - self.similarity

    @named("LowestEigenvectors", (n, r, Y, U, lam), Y, U, lam)
    def lowest(self, Y: Expr, U: Expr, lam: Expr) -> Expr:
        """U holds orthonormal eigenvectors of Y = Yᵀ at its r lowest eigenvalues, and λ is the next eigenvalue.

        That is: the eigenvalues of U's columns are at most λ, and λ is the least eigenvalue of Y that has an
        eigenvector orthogonal to these columns.
        """

        def eigenvector(v: Expr, level: Expr) -> Expr:
            return conj(~eq(v, zero(n)), eq(U.T @ v, zero(r)), eq(Y @ v, level * v))

        def column(nu: Expr, a: Expr) -> Expr:
            return conj(eq(Y @ U @ unit(a), nu(a) * (U @ unit(a))), nu(a) <= lam)

        return conj(
            eq(U.T @ U, eye(r)),
            exists(Family(r, Real), lambda nu: forall(Index(r), lambda a: column(nu, a))),
            exists(Col(n), lambda v: eigenvector(v, lam)),
            forall(Real, lambda level: forall(Col(n), lambda v: eigenvector(v, level) >> (lam <= level))),
        )

    @named("Feature", (n, r, w, U, POINT), U, POINT)
    def feature(self, U: Expr, x: Expr) -> Expr:
        """φ(x) = U_x/√w_x, U_x the row of the point x in U, as a column."""
        return inv(self.root(self.degree(x))) * (U.T @ unit(x))

    @named("ProbeLoss", (n, r, w, c, label, U, b), label, U, b)
    def fit(self, label: Expr, U: Expr, b: Expr) -> Expr:
        """Σ_x w_x ‖e_{y_x} − bᵀφ(x)‖²: how far the scores of a probe b are from the labels."""
        return total(n, lambda x: self.degree(x) * norm(unit(label(x)) - b.T @ self.feature(U, x)))

    @named("LeastSquaresProbe", (n, r, w, c, label, U, b), label, U, b)
    def least_squares(self, label: Expr, U: Expr, b: Expr) -> Expr:
        """The probe b fits the labels best, by least squares."""
        return forall(b.sort, lambda other: self.fit(label, U, b) <= self.fit(label, U, other))

    @named("ArgMax", (n, r, w, c, U, b, predicted), U, b, predicted)
    def arg_max(self, U: Expr, b: Expr, predicted: Expr) -> Expr:
        """P predicts for each point x a class p_x of the largest score: e_jᵀbᵀφ(x) ≤ e_{p_x}ᵀbᵀφ(x) for every j."""

        def score(x: Expr, j: Expr) -> Expr:
            return tr(unit(j).T @ b.T @ self.feature(U, x))

        return forall(Index(n), lambda x: forall(Index(c), lambda j: score(x, j) <= score(x, predicted(x))))

    @named("ErrorProbability", (n, w, c, label, predicted), label, predicted)
    def error(self, label: Expr, predicted: Expr) -> Expr:
        """Pr(p_x ≠ y_x) = Σ_x w_x [p_x ≠ y_x] / Σ_x w_x."""
        wrong = total(n, lambda x: self.degree(x) * (1 - delta(predicted(x), label(x))))
        return wrong / total(n, self.degree)

    @named("Disagreement", (n, w, c, label), label)
    def disagreement(self, label: Expr) -> Expr:
        """φ = Σ w(x, x') [y_x ≠ y_x'] / Σ w(x, x'): the probability that the labels of a pair differ."""
        return pairs(n, lambda x, y: w(x, y) * (1 - delta(label(x), label(y)))) / pairs(n, w)


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
