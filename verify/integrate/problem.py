"""What is integrated, exactly: a log-sum-exp of quadratic forms under a Gaussian mixture.

Every population loss with a logarithm reduces to `LogSumExp` and a rational number; the three engines (float64, mpmath,
Arb) read the same problem. No square root is taken: everything here is rational.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from flint import fmpq, fmpq_mat

from thmverify import exact

ONE = fmpq(1)


@dataclass(frozen=True)
class LogSumExp:
    """E log Σ_k w_k exp(a_k + b_k·q + ½ qᵀc_k q) for q ~ Σ_j v_j N(m_j, H_j) on R^ρ.

    weights: w (K), of sum 1. centres: ρ × J, columns m_j. covariances: H_j ≻ 0, one for each component or a single
    shared one. linear: ρ × K, columns b_k. quadratic: K symmetric ρ × ρ matrices c_k, or none when all are 0.
    law: v (J), or none when it is w. constants: a (K), or none when all are 0.
    The exponents are relative to the first: a_1 = 0, b_1 = 0, c_1 = 0. ρ = 0 means that they do not depend on q.
    """

    weights: tuple[fmpq, ...]
    centres: fmpq_mat
    covariances: tuple[fmpq_mat, ...]
    linear: fmpq_mat
    quadratic: tuple[fmpq_mat, ...] = ()
    law: tuple[fmpq, ...] = ()
    constants: tuple[fmpq, ...] = ()

    @property
    def shares(self) -> tuple[fmpq, ...]:
        """v_j, the weights of the law's components."""
        return self.law or self.weights

    @property
    def components(self) -> int:
        """J, the components of the law."""
        return len(self.shares)

    @property
    def terms(self) -> int:
        """K, the terms of the sum."""
        return len(self.weights)

    @property
    def is_zero(self) -> bool:
        """Whether the value is 0, since no exponent differs from the first."""
        return self.dimension == 0 and not self.constants

    @property
    def dimension(self) -> int:
        """ρ, the dimension of the integral."""
        return self.centres.nrows()

    @property
    def is_linear(self) -> bool:
        """Whether the components share a covariance and the exponents are linear."""
        return not self.quadratic and len(self.covariances) == 1

    def centre(self, j: int) -> fmpq_mat:
        """m_j as a ρ × 1 matrix."""
        return exact.submatrix(self.centres, range(self.dimension), [j])

    def slope(self, k: int) -> fmpq_mat:
        """b_k as a ρ × 1 matrix."""
        return exact.submatrix(self.linear, range(self.dimension), [k])

    def covariance(self, j: int) -> fmpq_mat:
        """H_j (ρ × ρ)."""
        return self.covariances[0 if len(self.covariances) == 1 else j]

    def constant(self, k: int) -> fmpq:
        """a_k."""
        return self.constants[k] if self.constants else fmpq(0)

    def curvature(self, k: int) -> fmpq_mat:
        """c_k (ρ × ρ)."""
        return self.quadratic[k] if self.quadratic else exact.zeros(self.dimension, self.dimension)

    def transformed(self, T: fmpq_mat) -> LogSumExp:
        """Return the same problem in the coordinates T q, T invertible."""
        back = T.inv()
        return LogSumExp(
            self.weights,
            T * self.centres,
            tuple(T * H * T.transpose() for H in self.covariances),
            back.transpose() * self.linear,
            tuple(back.transpose() * c * back for c in self.quadratic),
            self.law,
            self.constants,
        )


@dataclass(frozen=True)
class Reduced:
    """E log Σ_k w_k exp(a_k + u_k·x + ½ xᵀQ_k x), x ~ Σ_j v_j N(μ_j, Σ_j) on R^d: `offset` + the value of `problem`.

    The problem's coordinate is q = Dᵀx with the fewest columns D on which the exponents' differences depend, so its
    dimension is at most K − 1 when the Q_k agree, whatever d is. `means` (d × J) and `sigmas` are those of x, and
    `coefficient` is the factor of the whole in a sum.
    """

    offset: fmpq
    problem: LogSumExp
    means: fmpq_mat
    sigmas: tuple[fmpq_mat, ...]
    D: fmpq_mat
    coefficient: fmpq = ONE

    @cached_property
    def lifts(self) -> tuple[fmpq_mat, ...]:
        """X_j = Σ_j D H_j⁻¹ (d × ρ), so that E[x | q, j] = μ_j + X_j (q − m_j); one per covariance."""
        return tuple(s * self.D * h.inv() for s, h in zip(self.sigmas, self.problem.covariances, strict=True))

    @cached_property
    def residuals(self) -> tuple[fmpq_mat, ...]:
        """Cov[x | q, j] = Σ_j − X_j H_j X_jᵀ (d × d), one per covariance."""
        return tuple(
            s - X * h * X.transpose() for s, X, h in zip(self.sigmas, self.lifts, self.problem.covariances, strict=True)
        )


def reduce(
    weights: tuple[fmpq, ...],
    means: fmpq_mat,
    sigmas: Sequence[fmpq_mat],
    linear: fmpq_mat,
    quadratic: Sequence[fmpq_mat],
    law: tuple[fmpq, ...] = (),
    constants: Sequence[fmpq] = (),
) -> Reduced:
    """Return E log Σ_k w_k exp(a_k + u_k·x + ½ xᵀQ_k x) as a rational number and an integral of least dimension.

    weights: w (K), of sum 1. means: d × J, sigmas: one Σ or J of them, law: v (J), by default w. linear: d × K with
    columns u_k, quadratic: K matrices Q_k (d × d), constants: a (K), by default 0.
    """
    d, K = means.nrows(), len(weights)
    if all(s == sigmas[0] for s in sigmas):
        sigmas = sigmas[:1]
    first = exact.submatrix(linear, range(d), [0])
    slopes = linear - first * fmpq_mat(1, K, [1] * K)
    curvatures = [Q - quadratic[0] for Q in quadratic]
    D = _dependence([slopes, *curvatures], d)
    left = (D.transpose() * D).solve(D.transpose())
    curved = any(not exact.is_zero(c) for c in curvatures)
    relative = [a - constants[0] for a in constants]
    problem = LogSumExp(
        weights,
        D.transpose() * means,
        tuple(D.transpose() * s * D for s in sigmas),
        left * slopes,
        tuple(left * c * left.transpose() for c in curvatures) if curved else (),
        law,
        tuple(relative) if any(relative) else (),
    )
    offset = _mean_exponent(problem.shares, means, sigmas, first, quadratic[0])
    offset += constants[0] if constants else 0
    return Reduced(offset, problem, means, tuple(sigmas), D)


def _dependence(forms: Sequence[fmpq_mat], d: int) -> fmpq_mat:
    """Return independent columns (d × ρ) that span every column of the forms."""
    columns = exact.hstack(forms, d)
    return exact.submatrix(columns, range(d), exact.pivot_columns(columns))


def _mean_exponent(
    weights: tuple[fmpq, ...], means: fmpq_mat, sigmas: Sequence[fmpq_mat], u: fmpq_mat, Q: fmpq_mat
) -> fmpq:
    """Return E[u·x + ½ xᵀQx]."""
    total = fmpq(0)
    for j, w in enumerate(weights):
        mu = exact.submatrix(means, range(means.nrows()), [j])
        sigma = sigmas[0 if len(sigmas) == 1 else j]
        second = sigma + mu * mu.transpose()
        total += w * (exact.inner(u, mu) + exact.inner(Q, second) / 2)
    return total
