"""Minimisers to any number of digits: a float64 Jacobian, and residuals from exact maps and ball arithmetic.

Each step multiplies the error by what the Jacobian lacks, some 10⁻⁶; the map stays an exact rational throughout.
Closed forms are evaluated again by mpmath.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from mpmath import mp

from thmverify import exact
from thmverify.exact import from_ball, to_floats
from thmverify.integrate.multiprecision import to_mpf
from thmverify.losses import LOSSES, Loss
from thmverify.losses.levels import enclosed_gradient
from thmverify.maps import CLIPProduct, Encoder, LinearMap
from thmverify.minimize import clip, infonce
from thmverify.minimize.factors import Lifted, factor_hessian
from thmverify.minimize.general import Unknowns, in_floats
from thmverify.minimize.newton import Rescaled, flattening
from thmverify.minimize.result import Minimiser, Note
from thmverify.minimize.simsiam import Equations, balance_jacobian
from thmverify.models import Floats, Instance

# Digits beyond those asked for, in the gradient and in the map.
_GUARD = 8
_STEPS = 80
# Directions that a Jacobian leaves flat to this degree are changes of basis, which leave the loss alone.
_GAUGE = 1e-9
_GENERAL_GAUGE = 1e-5  # of Hessians by differences

Residual = Callable[[fmpq_mat], tuple[Floats, float]]


@dataclass(frozen=True)
class _Refined:
    """The unknown, its residual in whitened coordinates, and the radius of the balls behind that."""

    x: fmpq_mat
    residual: Floats
    radius: float

    @property
    def size(self) -> float:
        return float(np.linalg.norm(self.residual)) + self.radius


def polish(minimiser: Minimiser, loss: Loss, instance: Instance, digits: int) -> Minimiser:
    """Return the minimiser with `precise` maps to `digits` digits, and a residual and an error bound to match.

    Without convergence it is returned as it was; a note says so where the integrals do not give that many digits.
    """
    if not minimiser.converged or minimiser.rank == 0:
        return minimiser
    refine = partial(_polish_generally, loss) if loss.polisher is None else loss.polisher
    given = (loss.settings,) if loss.polisher is not None and loss.parameters else ()
    polished: Minimiser = refine(minimiser, instance, digits, *given)
    return polished


def _refine(x: fmpq_mat, digits: int, residual: Residual, correct: Callable[[Floats], Floats]) -> _Refined:
    """Correct x until its residual is below 10^−digits or no longer falls."""
    best = _Refined(x, *residual(x))
    for _ in range(_STEPS):
        if best.size <= 10.0**-digits:
            break
        x = _rounded(best.x + _rational(correct(best.residual)), digits + 2 * _GUARD)
        there = _Refined(x, *residual(x))
        if there.size > 0.5 * best.size:
            break
        best = there
    return best


def _rational(m: Floats) -> fmpq_mat:
    return exact.matrix([[Fraction(float(x)) for x in row] for row in m], columns=m.shape[1])


def _rounded(m: fmpq_mat, digits: int) -> fmpq_mat:
    """Return the nearest multiples of a power of 2 below 10^−digits: exact sums would grow without end."""
    unit = fmpq(2) ** int(digits * 3.33 + 8)
    return fmpq_mat(m.nrows(), m.ncols(), [(x * unit + fmpq(1, 2)).floor() / unit for x in m.entries()])


def _gradient(loss: str, instance: Instance, linear_map: LinearMap, name: str, digits: int) -> tuple[fmpq_mat, float]:
    """Return the middle of the enclosed gradient, exactly, and the largest radius."""
    balls = enclosed_gradient(LOSSES[loss], instance, linear_map, digits + _GUARD)[0][name]
    radius = max(float(ball.rad()) for ball in balls.ravel())
    return _middles(balls), radius


def _solver(jacobian: Floats) -> Callable[[Floats], Floats]:
    """Return b ↦ −J⁺b on matrices, least-norm where a change of basis is free."""
    inverse = np.linalg.pinv(jacobian, rcond=_GAUGE)
    return lambda b: -(inverse @ b.reshape(-1)).reshape(b.shape)


def polish_infonce(minimiser: Minimiser, instance: Instance, digits: int) -> Minimiser:
    """Refine U in A = B U: its residual is ∇L(Y) U, the same for a free and for a constrained rank."""
    coordinates, energy, R = infonce.whitened(instance)
    left = flattening(R)
    V = np.linalg.lstsq(coordinates.embedding, minimiser.maps["A"], rcond=None)[0]
    solve = _solver(factor_hessian(Rescaled(energy, left, left), np.linalg.solve(left, V)))
    B, stretch = coordinates.basis, float(np.linalg.norm(coordinates.embedding, 2))

    def residual(U: fmpq_mat) -> tuple[Floats, float]:
        G, radius = _gradient("infonce", instance, Encoder(B * U), "M", digits)
        pulled = 2 * coordinates.covector(B.transpose() * G * B * U)
        return pulled, radius * stretch**2 * pulled.size

    def correct(b: Floats) -> Floats:
        return coordinates.to_basis @ left @ solve(left.T @ b)

    found = _refine(_rational(coordinates.to_basis @ V), digits, residual, correct)
    A = B * found.x
    # ∇L(Y) on Col(V), from ∇L(Y)V: the multiplier Z takes the rest.
    across = float(np.linalg.norm(np.linalg.pinv(V), 2)) * found.size
    bound = None if minimiser.error_bound is None else across / energy.modulus
    return _updated(minimiser, {"A": A, "M": A * A.transpose()}, found, bound, digits)


def polish_clip(minimiser: Minimiser, instance: Instance, digits: int) -> Minimiser:
    """Refine Y in W = B_V Y B_Tᵀ, or, where the rank is constrained, its factors."""
    vision, text, energy = clip.whitened(instance)
    left, right = flattening(energy.R_V), flattening(energy.R_T)
    flat = Rescaled(energy, left, right)
    scaled = np.linalg.pinv(vision.embedding @ left) @ minimiser.maps["W"] @ np.linalg.pinv(text.embedding @ right).T
    to_basis = vision.to_basis @ left, text.to_basis @ right
    stretch = float(np.linalg.norm(vision.embedding, 2) * np.linalg.norm(text.embedding, 2))

    def gradient(Y: fmpq_mat) -> tuple[fmpq_mat, float]:
        W = CLIPProduct(vision.basis * Y * text.basis.transpose())
        G, radius = _gradient("clip", instance, W, "W", digits)
        return vision.basis.transpose() * G * text.basis, radius * stretch * energy.C.size

    if minimiser.error_bound is not None:

        def residual(Y: fmpq_mat) -> tuple[Floats, float]:
            G, radius = gradient(Y)
            return text.covector(_rational(vision.covector(G)).transpose()).T, radius

        solve = _solver(flat.hessian(scaled))
        start = _rational(to_basis[0] @ scaled @ to_basis[1].T)
        found = _refine(start, digits, residual, lambda b: to_basis[0] @ solve(left.T @ b @ right) @ to_basis[1].T)
        W = vision.basis * found.x * text.basis.transpose()
        return _updated(minimiser, {"W": W}, found, found.size / energy.modulus, digits)

    outer, sizes, inner = np.linalg.svd(scaled)
    r, m = minimiser.rank, vision.m
    V = np.concatenate([outer[:, :r], inner[:r].T]) * np.sqrt(sizes[:r])
    solve = _solver(factor_hessian(Lifted(flat, m), V))
    rows, columns = range(m), range(m, m + text.m)

    def factor_residual(U: fmpq_mat) -> tuple[Floats, float]:
        upper, lower = exact.submatrix(U, rows, range(r)), exact.submatrix(U, columns, range(r))
        G, radius = gradient(upper * lower.transpose())
        return np.concatenate([vision.covector(G * lower), text.covector(G.transpose() * upper)]), radius

    def correct(b: Floats) -> Floats:
        step = solve(np.concatenate([left.T @ b[:m], right.T @ b[m:]]))
        return np.concatenate([to_basis[0] @ step[:m], to_basis[1] @ step[m:]])

    start = _rational(np.concatenate([to_basis[0] @ V[:m], to_basis[1] @ V[m:]]))
    found = _refine(start, digits, factor_residual, correct)
    A_V = vision.basis * exact.submatrix(found.x, rows, range(r))
    A_T = text.basis * exact.submatrix(found.x, columns, range(r))
    return _updated(minimiser, {"A_V": A_V, "A_T": A_T, "W": A_V * A_T.transpose()}, found, None, digits)


def polish_simsiam(minimiser: Minimiser, instance: Instance, digits: int) -> Minimiser:
    """Refine (A, P) on the exact stationarity equations, and with weight decay on the balance PᵀP = AᵀA."""
    mixture, eta = instance.pairs.mixture, exact.to_fmpq(instance.weight_decay)
    A, P = minimiser.maps["A"], minimiser.maps["P"]
    d, r = A.shape
    equations = Equations(to_floats(mixture.R), to_floats(instance.pairs.C), float(instance.weight_decay))
    jacobian = np.concatenate([equations.jacobian(A, P), balance_jacobian(A, P) * float(eta > 0)])
    inverse = np.linalg.pinv(jacobian, rcond=_GAUGE)

    def residual(x: fmpq_mat) -> tuple[Floats, float]:
        a, p = exact.submatrix(x, range(d), range(r)), exact.submatrix(x, range(d, d + r), range(r))
        at, pt = a.transpose(), p.transpose()
        along_A = mixture.R * a * pt * p - instance.pairs.C * a * p + a * eta
        along_P = p * at * mixture.R * a - at * instance.pairs.C * a + p * eta
        balance = (pt * p - at * a) * fmpq(int(eta > 0))
        return np.concatenate([to_floats(along_A), to_floats(along_P), to_floats(balance)]), 0.0

    def correct(b: Floats) -> Floats:
        return -(inverse @ b.reshape(-1)).reshape(d + r, r)

    found = _refine(_rational(np.concatenate([A, P])), digits, residual, correct)
    maps = {
        "A": exact.submatrix(found.x, range(d), range(r)),
        "P": exact.submatrix(found.x, range(d, d + r), range(r)),
    }
    return _updated(minimiser, maps, found, None, digits)


def _polish_generally(loss: Loss, minimiser: Minimiser, instance: Instance, digits: int) -> Minimiser:
    """Refine the unknowns of a loss without a polisher of its own, on its enclosed gradient."""
    unknowns = Unknowns.of(loss, instance, minimiser)
    inverse = np.linalg.pinv(unknowns.hessian(unknowns.start(minimiser)), rcond=_GENERAL_GAUGE, hermitian=True)

    def residual(x: fmpq_mat) -> tuple[Floats, float]:
        matrices = unknowns.matrices(x)
        balls, _ = enclosed_gradient(loss, instance, unknowns.linear_map(matrices), digits + _GUARD)
        radius = max(float(ball.rad()) for derivative in balls.values() for ball in derivative.ravel())
        middles = {name: _middles(derivative) for name, derivative in balls.items()}
        pulled = unknowns.pulled(middles, matrices)
        return to_floats(pulled), radius * unknowns.stretch(matrices)

    found = _refine(_rational(unknowns.start(minimiser)), digits, residual, lambda b: -(inverse @ b))
    matrices = unknowns.matrices(found.x)
    precise = unknowns.reported(matrices)
    return replace(_updated(minimiser, precise, found, None, digits), maps=in_floats(precise))


def polish_key_bias(minimiser: Minimiser, instance: Instance, digits: int) -> Minimiser:
    """Refine a column on the enclosed gradient; a map stays as it is where that is wide, as of more columns."""
    if minimiser.rank == 1:
        polished = _polish_generally(LOSSES["infonce-key-bias"], minimiser, instance, digits)
        if Note.SHORT not in polished.notes:
            return polished
    return replace(minimiser, notes=(*minimiser.notes, Note.SHORT))


def _middles(balls: Any) -> fmpq_mat:
    return fmpq_mat(len(balls), len(balls[0]), [from_ball(ball) for ball in balls.ravel()])


def polish_spectral(minimiser: Minimiser, instance: Instance, digits: int) -> Minimiser:
    """Evaluate the eigenvectors of (C, R) again by mpmath, each as long as the root of its eigenvalue."""
    return _polish_closed_form(minimiser, instance.pairs.C, instance.pairs.mixture.R, digits, scaled=True)


def polish_pca(minimiser: Minimiser, instance: Instance, digits: int) -> Minimiser:
    """Evaluate the eigenvectors of R again by mpmath."""
    mixture = instance.pairs.mixture
    return _polish_closed_form(minimiser, mixture.R, exact.identity(mixture.dimension), digits)


def polish_fisher(minimiser: Minimiser, instance: Instance, digits: int) -> Minimiser:
    """Evaluate the eigenvectors of (S, Σ̄) again by mpmath."""
    mixture = instance.pairs.mixture
    return _polish_closed_form(minimiser, mixture.S, mixture.sigma_bar, digits)


def _polish_closed_form(
    minimiser: Minimiser, second: fmpq_mat, base: fmpq_mat, digits: int, scaled: bool = False
) -> Minimiser:
    """Evaluate the symmetric pencil again by mpmath."""
    with mp.workdps(digits + 3 * _GUARD):
        factors = exact.ldl(base)
        if factors is None:
            raise ValueError("the pencil's base is not positive definite")
        inverse = factors.factor.inv()
        roots = [mp.sqrt(to_mpf(x)) for x in factors.pivots]
        inside = _to_mp(inverse * second * inverse.transpose())
        frame = _to_mp(inverse.transpose())
        for i, root in enumerate(roots):
            inside[i, :] /= root
            inside[:, i] /= root
            frame[:, i] /= root
        values, vectors = mp.eigsy(inside)
        kept = range(len(roots) - 1, len(roots) - 1 - minimiser.rank, -1)
        scale = [mp.sqrt(values[i]) if scaled else mp.mpf(1) for i in kept]
        columns = [frame * vectors[:, i] * c for i, c in zip(kept, scale, strict=True)]
        A = fmpq_mat(len(roots), len(columns), [_to_fmpq(c[i]) for i in range(len(roots)) for c in columns])
        size = max(float(mp.norm(inside * vectors[:, i] - values[i] * vectors[:, i])) for i in kept)
    found = _Refined(A, np.array([[size]]), 0.0)
    # The bound of the floats, scaled by how much smaller the residual has become.
    bound = None if minimiser.error_bound is None else minimiser.error_bound * 10.0 ** -(digits + _GUARD - 15)
    return _updated(minimiser, {"A": A, "M": A * A.transpose()}, found, bound, digits)


def _to_mp(m: fmpq_mat) -> Any:
    return mp.matrix([[to_mpf(m[i, j]) for j in range(m.ncols())] for i in range(m.nrows())])


def _to_fmpq(x: Any) -> fmpq:
    sign, mantissa, exponent, _ = x._mpf_
    return fmpq(int(-mantissa if sign else mantissa)) * fmpq(2) ** int(exponent)


def _updated(
    minimiser: Minimiser, precise: dict[str, fmpq_mat], found: _Refined, bound: float | None, digits: int
) -> Minimiser:
    """Replace the maps by their refinements; say so where the digits were not reached."""
    notes = minimiser.notes if found.size <= 10.0**-digits else (*minimiser.notes, Note.SHORT)
    maps = {**minimiser.maps, **{name: to_floats(m) for name, m in precise.items()}}
    return replace(minimiser, maps=maps, precise=precise, kkt_residual=found.size, error_bound=bound, notes=notes)
