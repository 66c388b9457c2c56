"""Proposals for simsiam-inclusion: a stationary point outside S_F, polished, and a box around it; or all of them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, islice

import numpy as np
import scipy
from flint import arb_mat, ctx, fmpq, fmpq_mat, fmpq_poly

from thmverify import exact
from thmverify.certifying.proposal import Proposal
from thmverify.certifying.writing import rationals
from thmverify.exact import FLOATS_FAIL, from_ball, to_floats
from thmverify.kernel.linear import changes, null_space
from thmverify.kernel.models import Pairs
from thmverify.kernel.rules.simsiam import derivative, determinant, equations, sturm, unknown_entries
from thmverify.models import Floats

_PLACES = (64, 128)  # after the binary point
_POLISHING = 5
_TRIES = 40
_SMALL = 1e-7
_NARROW, _BITS = 128, 512  # relative width of an interval, as a power of 2, and the precision there


def simsiam_proposals(pairs: Pairs) -> Iterator[Proposal]:
    """Yield boxes; then, for one column, intervals round the roots of a polynomial, without floats."""
    try:
        yield from leak_proposals(pairs)
    except FLOATS_FAIL:
        if pairs.columns > 1:
            raise
    if pairs.decay > 0 and pairs.columns == 1:
        for low, high in _roots(determinant(pairs)):
            yield Proposal("root", {"precision": str(_BITS), "low": str(low), "high": str(high)})


def leak_proposals(pairs: Pairs) -> Iterator[Proposal]:
    """Yield boxes around solutions (U, P) of the kernel's equations with U clearly outside S_F."""
    r, d = pairs.columns, pairs.mixture.means.nrows()
    if pairs.decay <= 0 or not 0 < r <= d:
        return
    across = np.linalg.qr(to_floats(null_space(pairs.mixture.fisher.transpose())))[0]
    for U, P in _solutions(pairs):
        if across.size and np.abs(across.T @ U).max() > _SMALL:
            for places in _PLACES:
                x = _polished(pairs, np.concatenate([U, P]), places)
                rows = rationals(x)
                radius = str(fmpq(1, 2 ** (places * 2 // 3)))
                yield Proposal("leak", {"precision": str(2 * places), "U": rows[:d], "P": rows[d:], "radius": radius})


def _roots(f: fmpq_poly) -> Iterator[tuple[fmpq, fmpq]]:
    """Yield narrow intervals at whose ends a polynomial has opposite signs: one for each positive root of odd order."""
    chain = sturm(f)

    def distinct(low: fmpq, high: fmpq) -> int:
        return changes(g(low) for g in chain) - changes(g(high) for g in chain)

    lead = f.leading_coefficient()
    waiting = [(fmpq(0), 1 + max(abs(c / lead) for c in f.coeffs()))]
    while waiting:
        low, high = waiting.pop()
        middle = (low + high) / 2
        if distinct(low, high) > 1:
            waiting += [(middle, high), (low, middle)]
        elif f(low) * f(high) < 0:
            while high - low > high / 2**_NARROW:
                middle = (low + high) / 2
                low, high = (low, middle) if f(low) * f(middle) < 0 else (middle, high)
            yield low, high


def _solutions(pairs: Pairs) -> Iterator[tuple[Floats, Floats]]:
    """Yield float64 solutions of RUPPᵀ − CUP + ηU = 0, UᵀU = I, P upper triangular.

    One column: p²R − pC + ηI is singular at p, a quadratic eigenvalue problem. More: from tuples of those.
    """
    R, C, eta = to_floats(pairs.mixture.R), to_floats(pairs.C), float(exact.to_fraction(pairs.decay))
    d, r = len(R), pairs.columns
    rows, columns = np.triu_indices(r)

    def parts(x: Floats) -> tuple[Floats, Floats]:
        P = np.zeros((r, r))
        P[rows, columns] = x[d * r :]
        return x[: d * r].reshape(d, r), P

    def residual(x: Floats) -> Floats:
        U, P = parts(x)
        along = R @ U @ P @ P.T - C @ U @ P + eta * U
        return np.concatenate([along.reshape(-1), (U.T @ U - np.eye(r))[rows, columns]])

    for chosen in islice(combinations(_single(R, C, eta), r), _TRIES):
        vectors, sizes = np.column_stack([u for _, u in chosen]), np.diag([p for p, _ in chosen])
        found = scipy.optimize.root(residual, np.concatenate([vectors.reshape(-1), sizes[rows, columns]]), tol=1e-13)
        U, P = parts(found.x)
        if np.abs(residual(found.x)).max() < _SMALL and np.abs(np.diag(P)).min() > _SMALL:
            yield U, P


def _single(R: Floats, C: Floats, eta: float) -> list[tuple[float, Floats]]:
    """Return p > 0, largest first, and unit u with (p²R − pC + ηI)u = 0."""
    one, zero = np.eye(len(R)), np.zeros_like(R)
    values, vectors = scipy.linalg.eig(np.block([[zero, one], [-eta * one, C]]), np.block([[one, zero], [zero, R]]))
    found = []
    for p, v in zip(values, vectors.T, strict=True):
        if np.isfinite(p) and p.real > 0 and abs(p.imag) < _SMALL * p.real:
            u = (v[: len(R)] / v[np.abs(v[: len(R)]).argmax()]).real
            found.append((float(p.real), u / np.linalg.norm(u)))
    return sorted(found, key=lambda pair: -pair[0])


def _polished(pairs: Pairs, start: Floats, places: int) -> fmpq_mat:
    """Return the point after steps of Newton's method, in multiples of 2^−places."""
    unknowns, scale = unknown_entries(*start.shape), 2**places
    x = exact.matrix([[Fraction(round(Fraction(y) * scale), scale) for y in row] for row in start.tolist()])
    with ctx.workprec(2 * places):
        for _ in range(_POLISHING):
            try:
                step = derivative(pairs, arb_mat(x), unknowns).solve(equations(pairs, arb_mat(x)))
            except ZeroDivisionError:  # one of a continuum of solutions: no box holds just one
                break
            for (i, j), s in zip(unknowns, step.entries(), strict=True):
                x[i, j] -= fmpq(round(exact.to_fraction(from_ball(s)) * scale), scale)
    return x
