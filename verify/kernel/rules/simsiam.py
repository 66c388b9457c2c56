"""SimSiam: stationary points with an invertible predictor."""

from __future__ import annotations

from flint import fmpq_mat

from verify.kernel.linear import (
    beside,
    identity,
    is_positive_definite,
    is_semidefinite,
    null_space,
    rank,
    within,
)
from verify.kernel.models import Pairs
from verify.kernel.parse import Rejected, rational, record
from verify.kernel.rules.finding import PROVED, REFUTED, Finding


def simsiam_exact(pairs: Pairs) -> Finding:
    """Stationary (A, P) satisfy RAPᵀP + ηA = CAP and P(AᵀRA + ηI) = AᵀCA.

    η = 0: A = R⁻¹CAP(PᵀP)⁻¹. η > 0: there is no invertible P when r > rank C, nor when 4η ≻ CR⁻¹C, since for X = APᵀ
    tr(XᵀRX) − tr(XᵀCA) + η tr(AᵀA) = 0 then forces A = 0; and if Σ̄ preserves span μ, the part A' of A across it
    satisfies R'A'PᵀP + ηA' = 0 with R' ≻ 0, so A' = 0, and span μ = S_F.
    """
    mixture, C, eta = pairs.mixture, pairs.C, pairs.decay
    R, mu = mixture.R, mixture.means
    if eta == 0 and within(R.inv() * C, mixture.fisher):
        return PROVED
    if eta > 0 and pairs.columns > rank(C):
        return PROVED
    if within(mixture.sigma * mu, mu) and within(mu, mixture.fisher):
        return PROVED
    if is_positive_definite(identity(C.nrows()) * (4 * eta) - C * R.inv() * C):
        return PROVED
    raise Rejected("rational arithmetic alone does not decide this instance")


def simsiam_leak(pairs: Pairs, hints: object) -> Finding:
    """For r = 1, η > 0 a stationary point is p > 0 and a with N(p)a = 0, |a| = p, N(p) = p²R − pC + ηI.

    N(0) ≻ 0 and N(p₀) ⋡ 0 at the hint p₀, so N is singular ⪰ 0 at some p between: a stationary point exists. If it had
    a ∈ S_F, then ηa = pCa − p²Ra ∈ span μ, so a = Xc with X a basis of S_F ∩ span μ, and (p²RX − pCX + ηX)c = 0: not
    possible when the columns of RX, CX and X are independent together. So it lies outside S_F.
    """
    (given,) = record(hints, "hints", ("p",))
    mixture, C, eta, p = pairs.mixture, pairs.C, pairs.decay, rational(given, "p")
    if not (eta > 0 and p > 0 and pairs.columns == 1):
        raise Rejected("the rule is for η > 0, r = 1 and p > 0")
    if is_semidefinite(mixture.R * (p * p) - C * p + identity(C.nrows()) * eta):
        raise Rejected("N(p) is positive semidefinite")
    X = intersection(mixture.fisher, mixture.sigma * mixture.fisher)
    if rank(beside(beside(mixture.R * X, C * X), X)) != 3 * X.ncols():
        raise Rejected("a stationary point inside S_F is not excluded")
    return REFUTED


def intersection(a: fmpq_mat, b: fmpq_mat) -> fmpq_mat:
    """Return a basis of Col(a) ∩ Col(b), a and b with independent columns."""
    relations = null_space(beside(a, b))
    head = fmpq_mat(a.ncols(), relations.ncols(), relations.entries()[: a.ncols() * relations.ncols()])
    return a * head
