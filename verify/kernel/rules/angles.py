"""SimCLR with normalised features: a map that leaves a line S_F has a smaller loss than all inside (PROOFS.md, 9).

Inside, f = ±e. Across, x₁ and tilt·x₂ are the features, in whitened coordinates with x₁ along S_F: what counts is the
angle θ, whose density is analytic on |Im θ| ≤ a. The sum over N nodes errs by at most 4πM/(e^{aN} − 1), M its maximum.
"""

from collections.abc import Sequence
from functools import partial

from flint import arb, arb_poly, ctx, fmpq

from thmverify.kernel.linear import is_zero
from thmverify.kernel.models import Finding, Pairs
from thmverify.kernel.parse import bits, integer, rational, read
from thmverify.kernel.strict import Rejected

MAX_NODES, MAX_ANGLES = 10**5, 10**8  # on the circle; nodes · K · bits: ten seconds


def normalised_exact(pairs: Pairs) -> Finding:
    """All is inside, or nothing; or two opposite components of equal weights, at every temperature."""
    mixture = pairs.mixture
    if mixture.m == mixture.dimension:
        return Finding("proved")
    opposite = mixture.m == 1 and mixture.weights == [fmpq(1, 2)] * 2 and is_zero(mixture.mean)
    if not (opposite or mixture.m == 0):
        raise Rejected("S_F is neither 0 nor everything, and the components are not ±μ with equal weights")
    return Finding("proved" if opposite and pairs.columns == 1 and pairs.bias > 0 else "refuted")


def normalised_losses(pairs: Pairs, hints: object) -> Finding:
    """A map across has a smaller loss than all inside."""
    across, inside = losses(pairs, hints)
    if not across < inside:
        raise Rejected("the loss across is not certainly smaller than the loss inside")
    return Finding("refuted")


def losses(pairs: Pairs, hints: object) -> tuple[arb, arb]:
    """Return the loss across and the loss inside."""
    mixture = pairs.mixture
    if not mixture.m == 1 < min(mixture.dimension, pairs.columns):
        raise Rejected("S_F is not a line in a larger space, or r = 1")
    counted = partial(integer, low=1, high=MAX_NODES)
    numbers = read(hints, precision=bits, temperature=rational, tilt=rational, width=rational, nodes=counted)
    digits, tau, tilt, width, nodes = numbers
    if not min(tau, tilt, width) > 0 or nodes * len(mixture.weights) * max(digits, 128) > MAX_ANGLES:
        raise Rejected("temperature, tilt or width is not positive, or the nodes are too many")
    line = mixture.on_fisher
    with ctx.workprec(digits):
        centres = [arb(x) / arb(line.sigma[0, 0]).sqrt() for x in line.means.entries()]
        across = loss_across(pairs, centres, arb(tau), arb(tilt), arb(width), nodes)
        return across, loss_inside(pairs, centres, arb(tau))


def loss_inside(pairs: Pairs, centres: Sequence[arb], tau: arb) -> arb:
    """Return the loss of all maps inside, which see the sign of x₁ alone; x₁ has the means `centres` and variance 1."""
    signs = [(n / arb(2).sqrt()).erf() for n in centres]
    up = (1 + _mean(pairs, signs)) / 2
    near, far = (1 / tau).exp(), (-1 / tau).exp()
    return sum((p * (p * near + (1 - p) * far).log() for p in (up, 1 - up)), -_aligned(pairs, signs) / tau)


def loss_across(pairs: Pairs, centres: Sequence[arb], tau: arb, tilt: arb, a: arb, N: int) -> arb:
    """Return the loss of the angles of (x₁, tilt·x₂)."""
    height, spread = a.cosh() / tau, a.sinh() / tau  # |Re cos θ|/τ and |Im cos θ|/τ are at most these
    least = (1 + tilt**-2 - abs(tilt**-2 - 1) * (2 * a).cosh()) / 2  # of Re q
    if not (least > 0 and spread < arb.pi() / 2):
        raise Rejected("the strip is too wide")
    factors = [(-n * n / 2).exp() / (2 * arb.pi() * tilt) for n in centres]
    most = [c * _radial(abs(n) * a.cosh(), least, 2) for c, n in zip(factors, centres, strict=True)]
    cosines = [(arb(2 * j) / N).cos_pi() for j in range(N)]
    q = [c * c + (1 - c * c) / tilt**2 for c in cosines]
    step, error = 2 * arb.pi() / N, 4 * arb.pi() / ((a * N).exp() - 1)
    densities = [
        [c * _radial(n * x, y, (-n * x / (2 * y).sqrt()).erfc()) for x, y in zip(cosines, q, strict=True)]
        for c, n in zip(factors, centres, strict=True)
    ]
    sums = [sum((g * x for g, x in zip(part, cosines, strict=True)), arb(0)) * step for part in densities]
    alignment = _aligned(pairs, [x + arb(0, m * a.cosh() * error) for x, m in zip(sums, most, strict=True)])
    g, top = [_mean(pairs, column) for column in zip(*densities, strict=True)], _mean(pairs, most)
    products = (arb_poly(g) * arb_poly([(x / tau).exp() for x in cosines])).coeffs()
    products += [arb(0)] * (2 * N - len(products))
    blur = arb(0, top * height.exp() * error)
    logs = [((products[j] + products[j + N]) * step + blur).log() for j in range(N)]
    outer = sum((x * y for x, y in zip(g, logs, strict=True)), arb(0)) * step
    return outer + arb(0, top * (height + spread - spread.cos().log()) * error) - alignment / tau


def _radial(b: arb, q: arb, twice: arb | int) -> arb:
    """Return ∫_0^∞ s exp(−qs²/2 + bs) ds for twice = erfc(−b/√2q), and an upper bound for twice = 2 and b ≥ 0."""
    z = b / q.sqrt()
    return (1 + z * (z * z / 2).exp() * (arb.pi() / 2).sqrt() * twice) / q


def _mean(pairs: Pairs, values: Sequence[arb]) -> arb:
    return sum((arb(w) * x for w, x in zip(pairs.mixture.weights, values, strict=True)), arb(0))


def _aligned(pairs: Pairs, means: Sequence[arb]) -> arb:
    """Return E f(x)ᵀf(x̂), given the means of f in each component, on the one axis where they are not 0."""
    delta, mean = arb(pairs.bias), _mean(pairs, means)
    return delta * _mean(pairs, [x * x for x in means]) + (1 - delta) * mean * mean
