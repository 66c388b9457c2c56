"""A loss as one expression: rational functions of the map, log-sum-exps, softplus of scores, hinges of deviations.

An author writes a function of an instance, of the loss's parameters and of the map's matrices that returns a `Formula`;
`from_formula` makes the record of a loss from it, with value and gradient at every level. For example InfoNCE:

    def formula(instance, settings, M):
        pairs = instance.pairs
        return log_mean_exp(pairs.mixture, M) - (M @ pairs.C).trace()

    LOSS = from_formula(formula, of_gram, name="my-loss", title="Mine", …)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate.candidates import ReducedCandidates, Sources, reduce_candidates
from thmverify.integrate.directions import Directions
from thmverify.integrate.problem import Reduced, reduce
from thmverify.integrate.scores import Law, ReducedScores, reduce_scores
from thmverify.integrate.transport import Transport
from thmverify.losses import matrices, stacks
from thmverify.losses.expressions import (
    GradientExpression,
    Pullback,
    ValueExpression,
    check_rows,
    gram_matrix,
    wrong_map,
)
from thmverify.losses.matrices import Array, Convert, Matrix, as_matrix, pulled_back
from thmverify.losses.record import Gradient, Loss, Parameter, Settings, Traced, Value
from thmverify.losses.stacks import Constant, Number, Stack
from thmverify.maps import BiasedEncoder, Encoder, LinearMap
from thmverify.models import GMM, AugmentedPairs, Instance, SharedGMM

Adjoints: TypeAlias = list[tuple[Matrix, Array]]


@dataclass(frozen=True, eq=False)
class LogSumExpTerm:
    """E log Σ_k a_k exp(c_k + u_k·v + ½ vᵀQ_k v) for v ~ Σ_j w_j N(μ_j, Σ_j).

    law: the mixture. weights: a (K), of sum 1. linear: d × K, columns u_k. quadratic: one Q for all k, or K of them.
    constants: 1 × K, c.
    """

    law: GMM
    weights: tuple[fmpq, ...]
    linear: Matrix
    quadratic: tuple[Matrix, ...]
    constants: Matrix

    @cached_property
    def reduced(self) -> Reduced:
        """The term as a rational number and an integral of least dimension."""
        K = len(self.weights)
        quadratic = [Q.value for Q in self.quadratic] if self.separate else [self.quadratic[0].value] * K
        constants = self.constants.value.entries()
        return reduce(
            self.weights, self.law.mu, self.law.sigmas, self.linear.value, quadratic, self.law.w, tuple(constants)
        )

    @property
    def separate(self) -> bool:
        """Whether every term of the sum has its own Q_k, so that second moments are needed."""
        return len(self.quadratic) > 1

    def adjoints(self, p: Array, first: Array, second: Array | None, convert: Convert) -> Adjoints:
        """Return the derivatives with respect to u, Q and c from E p_k (K), E[p_k v] (d × K) and E[p_k vvᵀ]."""
        found: Adjoints = [(self.linear, first), (self.constants, p[..., None, :])]
        if second is None:
            return [*found, (self.quadratic[0], convert(self.law.R * fmpq(1, 2)))]
        half = convert(fmpq_mat([[fmpq(1, 2)]]))
        return [*found, *((Q, second[..., k, :, :] * half) for k, Q in enumerate(self.quadratic))]


@dataclass(frozen=True, eq=False)
class SoftplusTerm:
    """E softplus(c + xᵀWy) for (x, y) ~ `law`; W: d × d', c: 1 × 1."""

    law: Law
    W: Matrix
    constant: Matrix

    @cached_property
    def reduced(self) -> ReducedScores:
        """The term in as many coordinates of x and of y as W has rank."""
        return reduce_scores(self.law, self.W.value, self.constant.scalar)

    def adjoints(self, total: Array, outer: Array) -> Adjoints:
        """Return the derivatives with respect to W and c from E σ and E σ xyᵀ, σ = softplus' at the score."""
        return [(self.W, outer), (self.constant, total[..., None, None])]


@dataclass(frozen=True, eq=False)
class HingeTerm:
    """Σ_i max(0, 1 − √v_i) of variances v ≥ 0 (n × 1)."""

    variances: Matrix

    @cached_property
    def short(self) -> tuple[fmpq, ...]:
        """The variances below 1: the others add nothing."""
        return tuple(v for v in self.variances.value.entries() if v < 1)

    def check_smooth(self) -> None:
        """Raise InputError where the term has a kink, at a variance of 0 or 1."""
        for v in self.variances.value.entries():
            if v in (0, 1):
                rule = "is a variance at which the hinge max(0, 1 − √v) has no derivative"
                raise InputError("map", str(v), rule, "lengthen or shorten that column a little")

    def adjoints(self, variances: Array, root: Callable[[Any], Any]) -> Adjoints:
        """Return the derivative with respect to v: −1/(2√v) where v < 1, else 0.

        variances: v (n × 1) at the level of `root`.
        """
        below = [v < 1 for v in self.variances.value.entries()]
        entries = [-1 / (2 * root(v)) if short else 0 * v for v, short in zip(variances[:, 0], below, strict=True)]
        slopes = np.array(entries, dtype=variances.dtype)
        return [(self.variances, slopes[:, None])]


@dataclass(frozen=True, eq=False)
class CandidatesTerm:
    """Σ over sources of weight · E log Σ_i exp(xᵀWy_i), the y_i candidates of x: see `thmverify.losses.draws`.

    sources: weight, mean, covariance and candidates of each x. targets: means and covariances of y by component.
    """

    sources: Sources
    targets: tuple[tuple[fmpq_mat, fmpq_mat], ...]
    W: Matrix

    @cached_property
    def reduced(self) -> ReducedCandidates:
        """The term in as many coordinates of x and of y as W has rank."""
        return reduce_candidates(self.sources, self.targets, self.W.value)

    def adjoints(self, outer: Array) -> Adjoints:
        """Return the derivative with respect to W from E Σ_i π_i x y_iᵀ, π the softmax of the scores."""
        return [(self.W, outer)]


@dataclass(frozen=True, eq=False)
class DirectionsTerm:
    """InfoNCE of the directions of Aᵀx, with a temperature: see `thmverify.integrate.directions`."""

    pairs: AugmentedPairs
    A: Matrix
    temperature: fmpq

    @cached_property
    def reduced(self) -> Directions:
        """The term as an integral over two signs, or over a circle."""
        mixture = self.pairs.mixture
        means = tuple(column(mixture.mu, k) for k in range(mixture.components))
        bias = exact.to_fmpq(self.pairs.bias)
        return Directions(mixture.w, means, mixture.sigmas, bias, self.temperature, self.A.value)

    def adjoints(self, gradient: Array) -> Adjoints:
        """Return the derivative with respect to A."""
        return [(self.A, gradient)]


@dataclass(frozen=True, eq=False)
class TransportTerm:
    """The largest E_π (x − μ̄)ᵀM(y − μ̄) − KL(π | F × F) over couplings π: see `thmverify.integrate.transport`."""

    law: SharedGMM
    M: Matrix

    @cached_property
    def reduced(self) -> Transport:
        """The term, centred. Raises InputError for an M that is not symmetric positive semidefinite."""
        M, law = self.M.value, self.law
        if not (exact.is_symmetric(M) and exact.is_positive_semidefinite(M)):
            raise InputError("expression", "M", "is not symmetric positive semidefinite", "transport with M = AAᵀ")
        return Transport(law.w, law.mu - law.mean * fmpq_mat(1, law.components, [1] * law.components), law.sigma, M)

    def adjoints(self, outer: Array) -> Adjoints:
        """Return the derivative by M from E_π xyᵀ."""
        return [(self.M, outer)]


Term: TypeAlias = LogSumExpTerm | SoftplusTerm | HingeTerm | CandidatesTerm | DirectionsTerm | TransportTerm


@dataclass(frozen=True, eq=False)
class Formula:
    """`rational` (1 × 1) + Σ coefficient · term + Σ coefficient · log number; sums, and multiples by a rational."""

    rational: Matrix
    terms: tuple[tuple[fmpq, Term], ...] = ()
    logs: tuple[tuple[fmpq, fmpq], ...] = ()

    def __add__(self, other: Any) -> Formula:
        right = as_formula(other)
        return Formula(self.rational + right.rational, self.terms + right.terms, self.logs + right.logs)

    __radd__ = __add__

    def __mul__(self, factor: int | Fraction | fmpq) -> Formula:
        c = _number(factor)
        terms = tuple((c * coefficient, term) for coefficient, term in self.terms)
        return Formula(self.rational * c, terms, tuple((c * coefficient, x) for coefficient, x in self.logs))

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Formula:
        return self + as_formula(other) * -1

    def __rsub__(self, other: Any) -> Formula:
        return as_formula(other) + self * -1

    def value(self) -> ValueExpression:
        """Return the value, exactly."""
        logarithms = [replace(t.reduced, coefficient=c) for c, t in self.terms if isinstance(t, LogSumExpTerm)]
        scores = [replace(t.reduced, coefficient=c) for c, t in self.terms if isinstance(t, SoftplusTerm)]
        short = [(c, v) for c, t in self.terms if isinstance(t, HingeTerm) for v in t.short]
        known = sum((c * (1 - (rational_root(v) or 0)) for c, v in short), self.rational.scalar)
        roots = tuple((-c, v) for c, v in short if rational_root(v) is None)
        drawn = tuple(replace(t.reduced, coefficient=c) for c, t in self.terms if isinstance(t, CandidatesTerm))
        turned = tuple(replace(t.reduced, coefficient=c) for c, t in self.terms if isinstance(t, DirectionsTerm))
        moved = tuple(replace(t.reduced, coefficient=c) for c, t in self.terms if isinstance(t, TransportTerm))
        return ValueExpression(known, tuple(logarithms), tuple(scores), self.logs, roots, drawn, turned, moved)

    def gradient(self, variable: Matrix, symmetric: bool) -> GradientExpression:
        """Return the derivative with respect to a matrix that the formula was made from."""
        one = np.array([[fmpq(1)]], dtype=object)
        found = pulled_back([(self.rational, one)], _exactly).get(id(variable))
        rows, columns = variable.shape
        entries = [fmpq(0)] * (rows * columns) if found is None else [fmpq(0) + x for x in found.flat]
        rational = fmpq_mat(rows, columns, entries)
        terms = tuple(Pullback(c, term, variable, symmetric) for c, term in self.terms if _bends(term))
        return GradientExpression(exact.symmetrise(rational) if symmetric else rational, terms)


def as_formula(x: Any) -> Formula:
    """Return a formula, a 1 × 1 matrix or a rational number as a formula.

    Raises InputError for anything else.
    """
    if isinstance(x, Formula):
        return x
    number: Any = x if isinstance(x, Stack) else x.stack if isinstance(x, Number) else as_matrix(x)
    if number is None:
        remedy = "return a Formula, a 1 × 1 Matrix or a rational number"
        raise InputError("expression", type(x).__name__, "is no part of a loss", remedy)
    number.scalar  # noqa: B018  raises InputError unless it is 1 × 1
    return Formula(number)


def log_sum_exp(
    law: GMM,
    linear: Matrix,
    quadratic: Matrix | Sequence[Matrix] | None = None,
    weights: Sequence[fmpq | Fraction | int] | None = None,
    constants: Matrix | None = None,
) -> Formula:
    """Return E log Σ_k a_k exp(c_k + u_k·v + ½ vᵀQ_k v), v ~ `law`.

    linear: d × K, columns u_k. quadratic: one symmetric Q (d × d) or K of them; 0 when left out. weights: a_k > 0,
    those of the law when left out. constants: 1 × K, c_k, 0 when left out. Raises InputError for other shapes and
    for weights that are not positive.
    """
    d, K = linear.shape
    a = law.w if weights is None else tuple(_number(x) for x in weights)
    Q = (Matrix(exact.zeros(d, d)),) if quadratic is None else quadratic
    forms = (Q,) if isinstance(Q, Matrix) else tuple(Q)
    c = Matrix(exact.zeros(1, K)) if constants is None else constants
    if d != law.dimension or len(a) != K or len(forms) not in (1, K) or c.shape != (1, K):
        shapes = f"u {d} × {K}, {len(a)} weights, {len(forms)} Q, c {c.shape[0]} × {c.shape[1]}"
        rule = f"do not belong together on R^{law.dimension}"
        raise InputError("expression", shapes, rule, "u is d × K; a, Q and c go with its columns")
    if any(x <= 0 for x in a):
        raise InputError("expression", [str(x) for x in a], "are not all > 0", "a weight is the factor of exp")
    total = sum(a, fmpq(0))
    term = LogSumExpTerm(law, tuple(x / total for x in a), linear, forms, c)
    logs = () if isinstance(total, fmpq) and total == 1 else ((fmpq(1), total),)
    return Formula(Matrix(exact.zeros(1, 1)), ((fmpq(1), term),), logs)


def log_mean_exp(
    law: GMM, W: Matrix, target: GMM | None = None, weights: Sequence[fmpq | Fraction | int] | None = None
) -> Formula:
    """Return E_x log E_y exp(xᵀWy), x ~ `law`, y ~ `target` (by default `law`), with other component weights if given.

    By the Gaussian moment generating function it is E log Σ_k a_k exp(xᵀWν_k + ½ xᵀWT_kWᵀx), y ~ Σ_k a_k N(ν_k, T_k).
    """
    other = law if target is None else target
    shared = all(sigma == other.sigmas[0] for sigma in other.sigmas)
    spreads = other.sigmas[:1] if shared else other.sigmas
    quadratic = [W @ sigma @ W.T for sigma in spreads]
    return log_sum_exp(law, W @ other.mu, quadratic, other.w if weights is None else weights)


def beside(parts: Sequence[Any]) -> Any:
    """Return matrices with the same number of rows side by side."""
    return (stacks if any(isinstance(part, Stack) for part in parts) else matrices).beside(parts)


def softplus_mean(law: Law, W: Matrix, constant: Matrix | Fraction | int = 0) -> Formula:
    """Return E log(1 + exp(c + xᵀWy)), (x, y) ~ `law`.

    Raises InputError for shapes that do not fit.
    """
    c: Any = constant if isinstance(constant, Stack) else as_matrix(constant)
    d, e = law.left[0][0].nrows(), law.right[0][0].nrows()
    if W.shape != (d, e) or c is None or c.shape != (1, 1):
        rule = f"do not belong to a law on R^{d} × R^{e}"
        raise InputError("expression", f"W {W.shape[0]} × {W.shape[1]}", rule, "W is d × d', and c a number")
    return Formula(Matrix(exact.zeros(1, 1)), ((fmpq(1), SoftplusTerm(law, W, c)),))


def hinge(variances: Matrix) -> Formula:
    """Return Σ_i max(0, 1 − √v_i) of variances v ≥ 0 (n × 1): what standard deviations lack to 1.

    It has no derivative where a variance is 0 or 1: a gradient is refused there with an InputError. Raises InputError
    for a shape that is no column.
    """
    if variances.shape[1] != 1:
        size = f"{variances.shape[0]} × {variances.shape[1]}"
        raise InputError("expression", size, "is no column of variances", "take a diagonal()")
    return Formula(Matrix(exact.zeros(1, 1)), ((fmpq(1), HingeTerm(variances)),))


def normalised_infonce(pairs: AugmentedPairs, A: Matrix, temperature: Fraction | fmpq | int) -> Formula:
    """Return E_x log E_y exp(gᵀg/τ) − E gᵀg/τ of the features g = Aᵀx/|Aᵀx|, 0 where Aᵀx = 0, with the temperature τ.

    Raises TypeError on a batch of mixtures, and InputError for a matrix of another number of rows than x.
    """
    if not isinstance(A, Matrix):
        raise TypeError("normalised features are not evaluated in batches")
    if A.shape[0] != pairs.mixture.dimension:
        raise InputError("expression", f"A {A.shape[0]} × {A.shape[1]}", "has not the rows of x", "check the shapes")
    return Formula(Matrix(exact.zeros(1, 1)), ((fmpq(1), DirectionsTerm(pairs, A, _number(temperature))),))


def best_bias(mixture: GMM, M: Matrix) -> Formula:
    """Return the least E_x log E_y exp(xᵀMy + b(y)) − E b over functions b, x and y centred, M = AAᵀ.

    Raises TypeError on a batch of mixtures, and InputError for a matrix of another size than x, and for covariances
    that differ.
    """
    if not isinstance(M, Matrix):
        raise TypeError("losses with a key bias are not evaluated in batches")
    d = mixture.dimension
    if M.shape != (d, d):
        raise InputError("expression", f"M {M.shape[0]} × {M.shape[1]}", f"is not {d} × {d}", "check the shapes")
    return Formula(Matrix(exact.zeros(1, 1)), ((fmpq(1), TransportTerm(mixture.with_one_covariance("gmm"), M)),))


def rational_root(x: fmpq) -> fmpq | None:
    """Return √x ≥ 0 of a rational x ≥ 0 where it is rational, else None."""
    p, q = math.isqrt(int(x.p)), math.isqrt(int(x.q))
    return fmpq(p, q) if p * p == x.p and q * q == x.q else None


def _bends(term: Term) -> bool:
    """Return whether a term adds to a derivative. Raises InputError where it has none."""
    if isinstance(term, HingeTerm):
        term.check_smooth()
        return bool(term.short)
    return True


def positive_pairs(pairs: AugmentedPairs) -> Law:
    """Return the law of (x, x̂): the same component with probability δ, independent ones else."""
    delta, mixture = exact.to_fmpq(pairs.bias), pairs.mixture
    chances = [
        (j, k, delta * w * int(j == k) + (1 - delta) * w * v)
        for j, w in enumerate(mixture.w)
        for k, v in enumerate(mixture.w)
    ]
    return _law(mixture, [entry for entry in chances if entry[2] != 0])


def negative_pairs(mixture: GMM) -> Law:
    """Return the law of two independent points."""
    return _law(mixture, [(j, k, w * v) for j, w in enumerate(mixture.w) for k, v in enumerate(mixture.w)])


def triplets(pairs: AugmentedPairs) -> Law:
    """Return the law of (x, y − x̂), (x, x̂) an augmented pair and y independent of it."""
    mixture, law, means = pairs.mixture, positive_pairs(pairs), pairs.mixture.mu
    chances, left, right = [], [], []
    for chance, x, (partner, spread) in zip(law.weights, law.left, law.right, strict=True):
        for l, w in enumerate(mixture.w):
            chances.append(chance * w)
            left.append(x)
            centre = column(means, l)
            right.append((centre - partner, mixture.sigmas[l] + spread))
    return Law(tuple(chances), tuple(left), tuple(right))


def column(m: Any, k: int) -> Any:
    """Return column k of a matrix of a mixture, or of a batch of mixtures."""
    return m.column(k) if isinstance(m, Constant) else exact.submatrix(m, range(m.nrows()), [k])


def _law(mixture: GMM, chances: Sequence[tuple[int, int, fmpq]]) -> Law:
    parts = [(column(mixture.mu, k), mixture.sigmas[k]) for k in range(mixture.components)]
    return Law(
        tuple(chance for _, _, chance in chances),
        tuple(parts[j] for j, _, _ in chances),
        tuple(parts[k] for _, k, _ in chances),
    )


# ------------------------------------------------------------------------------------------------ what a map gives


@dataclass(frozen=True)
class Variables:
    """The matrices of a map that a loss is a function of: their names and values, and which of them are symmetric.

    made: the same matrices from A (d × r) and a number b, with derivatives; without it, nothing is done in batches.
    """

    read: Callable[[Instance, LinearMap], dict[str, fmpq_mat]]
    symmetric: frozenset[str] = field(default=frozenset())
    made: Callable[[Any, Any], dict[str, Any]] | None = None


def of_gram(loss: str) -> Variables:
    """A loss of M = AAᵀ."""

    def read(instance: Instance, linear_map: LinearMap) -> dict[str, fmpq_mat]:
        return {"M": gram_matrix(loss, linear_map, instance.pairs.mixture.dimension)}

    return Variables(read, frozenset({"M"}), lambda A, _: {"M": A @ A.T})


def of_encoder(loss: str) -> Variables:
    """A loss of A (d × r), which M does not determine."""

    def read(instance: Instance, linear_map: LinearMap) -> dict[str, fmpq_mat]:
        if not isinstance(linear_map, Encoder):
            raise wrong_map(loss, linear_map, '{"A": …} (d × r)')
        check_rows("A", linear_map.A, instance.pairs.mixture.dimension)
        return {"A": linear_map.A}

    return Variables(read, made=lambda A, _: {"A": A})


def of_scores(loss: str) -> Variables:
    """A loss of M = AAᵀ and of a number b that is added to every score xᵀMy; 0 where the map has none."""

    def read(instance: Instance, linear_map: LinearMap) -> dict[str, fmpq_mat]:
        shift = linear_map.b if isinstance(linear_map, BiasedEncoder) else fmpq(0)
        encoder = Encoder(linear_map.A) if isinstance(linear_map, BiasedEncoder) else linear_map
        M = gram_matrix(loss, encoder, instance.pairs.mixture.dimension)
        return {"M": M, "b": fmpq_mat([[shift]])}

    return Variables(read, frozenset({"M"}), lambda A, b: {"M": A @ A.T, "b": b})


def from_formula(
    function: Callable[..., Any],
    variables: Callable[[str], Variables],
    parameters: tuple[Parameter, ...] = (),
    /,
    *,
    name: str,
    **parts: Any,
) -> Loss:
    """Return the record of a loss from its formula; the other parts are those of `Loss`.

    function: (instance, settings, *matrices) → Formula, 1 × 1 Matrix or number. settings: the parameters' values by
    name; the matrices are those of `variables`: `of_gram` (M), `of_encoder` (A), `of_scores` (M and b).
    Raises InputError when a part of the record is missing.
    """

    def build(settings: Settings) -> tuple[Value, Gradient]:
        return expressed(function, variables(name), settings)

    settings = {parameter.name: parameter.default for parameter in parameters}
    value, gradient = build(settings)
    rebuild = build if parameters else None
    given = {"parameters": parameters, "build": rebuild, "settings": settings, **parts}
    return Loss(name=name, value=value, gradient=gradient, expression=Traced(function, variables(name)), **given)


def expressed(
    formula: Callable[..., Any], variables: Variables, settings: Settings | None = None
) -> tuple[Value, Gradient]:
    """Return the value and the gradient of a loss from one formula."""
    kept: list[tuple[Instance, LinearMap, Any]] = []  # the last: values and gradients are asked for at the same map

    def evaluated(instance: Instance, linear_map: LinearMap) -> tuple[Formula, dict[str, Matrix]]:
        last = kept[0] if kept else None
        if last is None or last[0] is not instance or last[1] is not linear_map:
            last = instance, linear_map, made(instance, linear_map)
            kept[:] = [last]
        found: tuple[Formula, dict[str, Matrix]] = last[2]
        return found

    def made(instance: Instance, linear_map: LinearMap) -> tuple[Formula, dict[str, Matrix]]:
        matrices = {name: Matrix(m) for name, m in variables.read(instance, linear_map).items()}
        try:
            found = formula(instance, settings or {}, *matrices.values())
        except (TypeError, AttributeError, LookupError, ValueError, ArithmeticError) as error:
            rule = f"fails with {type(error).__name__}: {error}"
            remedy = "make it of matrices and exact numbers, Fraction(1, 4) and not 0.25"
            raise InputError("formula of the loss", getattr(formula, "__name__", "formula"), rule, remedy) from error
        return as_formula(found), matrices

    def value(instance: Instance, linear_map: LinearMap) -> ValueExpression:
        return evaluated(instance, linear_map)[0].value()

    def gradient(instance: Instance, linear_map: LinearMap) -> dict[str, GradientExpression]:
        found, matrices = evaluated(instance, linear_map)
        return {name: found.gradient(m, name in variables.symmetric) for name, m in matrices.items()}

    return value, gradient


def _exactly(m: fmpq_mat) -> Array:
    return np.array(m.entries(), dtype=object).reshape(m.nrows(), m.ncols())


def _number(x: Any) -> Any:
    return x if isinstance(x, fmpq | Number) else exact.to_fmpq(Fraction(x))


__all__ = [
    "CandidatesTerm",
    "DirectionsTerm",
    "Formula",
    "HingeTerm",
    "LogSumExpTerm",
    "Matrix",
    "SoftplusTerm",
    "TransportTerm",
    "Variables",
    "beside",
    "best_bias",
    "column",
    "expressed",
    "from_formula",
    "hinge",
    "log_mean_exp",
    "log_sum_exp",
    "negative_pairs",
    "normalised_infonce",
    "of_encoder",
    "of_gram",
    "of_scores",
    "positive_pairs",
    "rational_root",
    "softplus_mean",
    "triplets",
]
