"""Verdicts against the definitions: losses by quadrature from their formulas, minimised over A by BFGS, nothing shared.

Neither the package's integrals nor its minimisers take part. `None` stands for a case too close to call in float64.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy.linalg import eigh, null_space, orth, sqrtm
from scipy.optimize import minimize, root

from thmverify.certifying import decide
from thmverify.instances import parse_instance
from thmverify.testing import MULTIPLIER
from thmverify.verdicts import Outcome

SEEN = 4e-3  # singular values of A below are 0: the loss is flat of fourth order there
CLEAR, ROUNDING = 1e-3, 1e-6
SPACING = 0.3
AXIS = SPACING * np.arange(-20, 21)
CASES = 14


class Law:
    """Σ_k w_k N(μ_k, Σ_k): moments, S_F, its complement, and nodes x (d × n) with their weights."""

    def __init__(self, weights: list[str], means: list[list[str]], covariances: list[list[list[str]]]):
        def floats(rows: list[list[str]]) -> np.ndarray:
            return np.array([[float(Fraction(x)) for x in row] for row in rows])

        self.w, self.mu = floats([weights])[0], floats(means).T
        self.sigmas = [floats(s) for s in covariances] * (len(weights) // len(covariances))
        self.sigma = sum(w * s for w, s in zip(self.w, self.sigmas, strict=True))
        self.S = (self.mu * self.w) @ self.mu.T
        self.R = self.sigma + self.S
        self.d = len(self.mu)
        self.fisher = (
            orth(np.linalg.solve(self.sigma, self.mu), rcond=1e-10) if self.mu.any() else np.zeros((self.d, 0))
        )
        self.across = null_space(self.fisher.T) if self.fisher.size else np.eye(self.d)
        self.m = self.fisher.shape[1]
        s = np.array(list(itertools.product(AXIS, repeat=self.d)))
        mass = np.exp(-(s**2).sum(1) / 2) * (SPACING / np.sqrt(2 * np.pi)) ** self.d
        roots = [np.linalg.cholesky(sigma) for sigma in self.sigmas]
        self.x = np.concatenate([L @ s.T + mean[:, None] for L, mean in zip(roots, self.mu.T, strict=True)], axis=1)
        self.mass = np.outer(self.w, mass).reshape(-1)

    def uniformity(self, W: np.ndarray, other: Law) -> tuple[float, np.ndarray]:
        """E_x log E_y exp(xᵀWy), x of this law and y of the other, and its gradient in W."""
        y, shared = W.T @ self.x, all(s is other.sigmas[0] for s in other.sigmas)
        bent = np.array([s @ y for s in other.sigmas[: 1 if shared else None]])
        logits = other.mu.T @ y + (bent * y).sum(1) / 2 + np.log(other.w)[:, None]
        top = logits.max(0)
        shares = np.exp(logits - top)
        total = shares.sum(0)
        shares *= self.mass / total
        bending = shares.sum(0, keepdims=True) if shared else shares
        inner = other.mu @ shares + (bending[:, None] * bent).sum(0)
        return float(self.mass @ (top + np.log(total))), self.x @ inner.T

    def J(self, A: np.ndarray) -> float:
        U = orth(A) if A.any() else np.zeros((self.d, 0))
        return float(np.trace(np.linalg.solve(U.T @ self.sigma @ U, U.T @ self.S @ U)))

    def best_J(self, r: int) -> float:
        return float(eigh(self.S, self.sigma, eigvals_only=True)[::-1][:r].sum())


def pairs_of(left: Law, right: Law, bias: float) -> np.ndarray:
    return bias * (left.mu * left.w) @ right.mu.T + (1 - bias) * np.outer(left.mu @ left.w, right.mu @ right.w)


def minimiser(loss: Callable, shapes: list[tuple[int, int]], starts: int = 4) -> list[np.ndarray]:
    """The best of several runs, its small singular values cut. loss(*factors) ↦ value, gradients."""
    ends = [0, *itertools.accumulate(a * b for a, b in shapes)]
    places = [(slice(*span), shape) for span, shape in zip(itertools.pairwise(ends), shapes, strict=True)]

    def factors(z: np.ndarray) -> list[np.ndarray]:
        return [z[place].reshape(shape) for place, shape in places]

    def flat(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, *gradients = loss(*factors(z))
        return value, np.concatenate([g.reshape(-1) for g in gradients])

    rng = np.random.default_rng(0)
    runs = [minimize(flat, rng.normal(size=ends[-1]) / 2, jac=True, options={"gtol": 1e-9}) for _ in range(starts)]
    return factors(min(runs, key=lambda run: run.fun).x)


def cut(A: np.ndarray) -> np.ndarray:
    U, sizes, V = np.linalg.svd(A, full_matrices=False)
    return (U * np.where(sizes > SEEN, sizes, 0)) @ V


def of_gram(loss: Callable, d: int, r: int) -> np.ndarray:
    """The minimising A (d × min(r, d)) of loss(AAᵀ)."""

    def of_A(A: np.ndarray) -> tuple[float, np.ndarray]:
        value, g = loss(A @ A.T)
        return value, (g + g.T) @ A

    return cut(minimiser(of_A, [(d, min(r, d))])[0])


def yes(distance: float) -> bool | None:
    """Whether a distance is 0."""
    return None if ROUNDING < distance < CLEAR else distance < CLEAR


def infonce(law: Law, bias: float, r: int) -> np.ndarray:
    C = pairs_of(law, law, bias)

    def loss(M: np.ndarray) -> tuple[float, np.ndarray]:
        value, g = law.uniformity(M, law)
        return value - float(np.sum(C * M)), g - C

    return of_gram(loss, law.d, r)


def spectral(law: Law, bias: float, r: int) -> np.ndarray:
    C, R = pairs_of(law, law, bias), law.R
    return of_gram(lambda M: (float(-2 * np.sum(C * M) + np.sum(M @ R * (R @ M))), -2 * C + 2 * R @ M @ R), law.d, r)


def equality(law: Law, A: np.ndarray, r: int) -> bool | None:
    sizes = np.linalg.svd(A, compute_uv=False)
    if law.m <= r and ((sizes > 0) & (sizes < 10 * SEEN)).any():
        return None
    return yes(float(np.abs(law.across.T @ A).max(initial=0))) and int((sizes > 0).sum()) == law.m


def top(law: Law, A: np.ndarray, r: int) -> bool | None:
    lost = max(0.0, law.best_J(r) - law.J(A)) / max(1.0, law.best_J(r))
    return yes(float(np.sqrt(lost)))  # J is flat at its maximum


def inclusion(law: Law, A: np.ndarray, _r: int) -> bool | None:
    return yes(float(np.abs(law.across.T @ A).max(initial=0)))


def pca(law: Law, _bias: float, r: int) -> np.ndarray:
    return np.linalg.eigh(law.R)[1][:, ::-1][:, :r]


def simsiam(law: Law, bias: float, r: int, eta: float) -> np.ndarray:
    """All A at stationary points with an invertible predictor that Newton's method finds, side by side."""
    C, R, d = pairs_of(law, law, bias), law.R, law.d

    def equations(z: np.ndarray) -> np.ndarray:
        A, P = z[: d * r].reshape(d, r), z[d * r :].reshape(r, r)
        return np.concatenate(
            [(P @ A.T @ R @ A - A.T @ C @ A + eta * P).ravel(), (R @ A @ P.T @ P - C @ A @ P + eta * A).ravel()]
        )

    rng, found = np.random.default_rng(0), [np.zeros((d, 1))]
    for _ in range(25):
        P = np.diag(rng.uniform(0.1, 0.95, r))
        run = root(equations, np.concatenate([(orth(rng.normal(size=(d, r))) @ P).ravel(), P.ravel()]), method="lm")
        P = run.x[d * r :].reshape(r, r)
        if np.abs(equations(run.x)).max() < 1e-9 and np.linalg.svd(P, compute_uv=False).min() > 0.02:
            found.append(run.x[: d * r].reshape(d, r))
    return np.hstack(found)


def clip(vision: Law, text: Law, bias: float, r: int) -> np.ndarray:
    """The minimising W of rank at most r."""
    C = pairs_of(vision, text, bias)

    def loss(A: np.ndarray, B: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        (one, g), (two, h) = vision.uniformity(A @ B.T, text), text.uniformity(B @ A.T, vision)
        g = g + h.T - 2 * C
        return one + two - 2 * float(np.sum(C * (A @ B.T))), g @ B, g.T @ A

    A, B = minimiser(loss, [(vision.d, r), (text.d, r)])
    return A @ B.T


def clip_truth(claim: str, vision: Law, text: Law, bias: float, r: int) -> bool | None:
    whole = claim == "clip-inclusion-literal"
    W = clip(vision, text, bias, min(vision.d, text.d, 9 if whole else r))
    sizes = np.linalg.svd(np.real(sqrtm(vision.sigma) @ W @ sqrtm(text.sigma)), compute_uv=False)
    if ((sizes > 1e-7) & (sizes < CLEAR)).any():
        return None
    rank = int((sizes > CLEAR).sum())
    if whole:
        return (vision.m, text.m) == (vision.d, text.d) or r <= rank
    leak = max(np.abs(vision.across.T @ W).max(initial=0), np.abs(W @ text.across).max(initial=0))
    return yes(float(leak)) and (claim != "clip-effective-equality" or rank == vision.m == text.m)


TRUTHS = {
    "infonce-equality": (infonce, equality),
    "infonce-top-r": (infonce, top),
    "nonshared-inclusion": (infonce, inclusion),
    "spectral-equality": (spectral, equality),
    "spectral-top-r": (spectral, top),
    "pca-equality": (pca, equality),
    "simsiam-inclusion": (simsiam, inclusion),
}
CLIP = (
    "clip-inclusion-literal",
    "clip-inclusion-effective",
    "clip-effective-equality",
    "clip-nonshared-inclusion",
)


def means(rng: random.Random, weights: list[Fraction], d: int, line: bool = False) -> list[list[str]]:
    """Means that are anywhere, on a line, or two of them the same; centred or not."""
    K, kind = len(weights), 0 if line else rng.randrange(6)
    points = [[Fraction(rng.randint(-3, 3), 2) for _ in range(d)] for _ in range(K)]
    if kind == 0:
        points = [[rng.randint(-2, 2) * x for x in points[0]] for _ in range(K)]
    if kind == 1:
        points[-1] = points[0]
    if rng.random() < 0.6:
        middle = [sum(w * p[i] for w, p in zip(weights, points, strict=True)) for i in range(d)]
        points = [[x - y for x, y in zip(p, middle, strict=True)] for p in points]
    return [[str(x) for x in p] for p in points]


def covariance(rng: random.Random, d: int) -> list[list[str]]:
    if rng.random() < 0.3:
        return [[str(int(i == j)) for j in range(d)] for i in range(d)]
    L = [
        [Fraction(rng.randint(1, 3) if i == j else rng.randint(-2, 2) * (j < i), 2) for j in range(d)] for i in range(d)
    ]
    return [[str(sum(a * b for a, b in zip(x, y, strict=True))) for y in L] for x in L]


def draw(claim: str, rng: random.Random) -> dict[str, Any]:
    K, d = rng.randint(1, 4), rng.randint(1, 2)
    counts = rng.choice([[1] * K, [rng.randint(1, 7) for _ in range(K)]])
    weights = [Fraction(n, sum(counts)) for n in counts]
    texts, rest = (
        [str(w) for w in weights],
        {"bias": rng.choice(["0", "1/10", "1/2", "7/10", "1"]), "rank": rng.randint(1, d + 1)},
    )
    if claim in CLIP:
        separate = claim == "clip-nonshared-inclusion"
        sizes = (2, 1) if separate else (d, rng.randint(1, 2))
        parts = [{"means": means(rng, weights, n, separate), "covariance": covariance(rng, n)} for n in sizes]
        if separate:
            parts[0] = {"means": parts[0]["means"], "covariances": [covariance(rng, 2) for _ in weights]}
        return {"model": "clip-gmm", "weights": texts, "vision": parts[0], "text": parts[1], **rest}
    if leaky := claim in ("nonshared-inclusion", "simsiam-inclusion"):
        d = 2
    fields = {"weights": texts, "means": means(rng, weights, d, line=leaky), **rest}
    if claim == "simsiam-inclusion":
        fields |= {"rank": rng.randint(1, d), "weight_decay": rng.choice(["1/50", "1/20", "1/10", "1"])}
    if claim == "nonshared-inclusion":
        return {"model": "gmm", **fields, "covariances": [covariance(rng, d) for _ in weights]}
    return {"model": "shared-gmm", **fields, "covariance": covariance(rng, d)}


def law_of(weights: list[str], fields: dict[str, Any]) -> Law:
    return Law(weights, fields["means"], fields.get("covariances") or [fields["covariance"]])


def truth(claim: str, fields: dict[str, Any]) -> bool | None:
    bias, r = float(Fraction(fields["bias"])), fields["rank"]
    if claim in CLIP:
        return clip_truth(claim, *(law_of(fields["weights"], fields[x]) for x in ("vision", "text")), bias, r)
    law = law_of(fields["weights"], fields)
    learn, ask = TRUTHS[claim]
    decay = [float(Fraction(fields["weight_decay"]))] if "weight_decay" in fields else []
    return ask(law, learn(law, bias, r, *decay), r)


@pytest.mark.parametrize("claim", [*TRUTHS, *CLIP])
def test_verdicts_agree_with_the_definitions(claim):
    rng, undecided = random.Random(claim), []
    for _ in range(CASES * MULTIPLIER):
        fields = draw(claim, rng)
        expected, outcome = truth(claim, fields), decide(claim, parse_instance(fields))[0].outcome
        if expected is None:
            continue
        if outcome is Outcome.UNDECIDED:
            undecided.append(fields)
        else:
            assert outcome is (Outcome.PROVED if expected else Outcome.REFUTED), fields
    assert len(undecided) <= max(1, CASES * MULTIPLIER // 20), undecided
