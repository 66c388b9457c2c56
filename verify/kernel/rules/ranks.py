"""InfoNCE and CLIP: bounds on the rank of the minimiser over all maps, and what follows for maps with r columns.

The rank of every minimiser with r columns lies between min(low, r) and min(high, r) when low ≤ rank M° ≤ high for the
one minimiser M° (or W°) over all maps, and its column space lies in S_F (PROOFS.md, 4).
"""

from collections.abc import Sequence
from functools import partial

from flint import fmpq_mat

from thmverify.kernel.enclosure import clip_rank, enclose_clip, enclose_infonce, infonce_rank
from thmverify.kernel.linear import beside, echelon, is_zero, null_space, select, solve, trace
from thmverify.kernel.models import Finding, Mixture, Pairs
from thmverify.kernel.parse import integer, rational, read
from thmverify.kernel.rules.spectral import counts
from thmverify.kernel.strict import MAX_SIZE, Rejected, array, record

Bounds = tuple[int, int]
_side = partial(integer, low=0, high=1)


def unaided(pairs: Pairs) -> Bounds:
    """∇L(0) = −δ Cov(μ, μ'), the softmax being w there (twice that for CLIP): M° = 0 exactly when it is 0."""
    return (1, min(pairs.sizes)) if pairs.informative else (0, 0)


def enclosed(pairs: Pairs, hints: object) -> Bounds:
    """The bounds of an enclosure."""
    if len(pairs.modalities) == 1:
        return infonce_rank(enclose_infonce(pairs.on_fisher, hints), pairs.mixture.m)
    return clip_rank(enclose_clip(pairs.on_fisher, hints)), min(pairs.sizes)


def symmetric(pairs: Pairs, hints: object) -> Bounds:
    """Permutations that preserve w and μᵀΣ⁻¹μ are isometries U, U' of the means, UM°U'ᵀ = M°; transitive: M°μ̄ = 0."""
    (given,) = record(hints, "hints", ("permutations",))
    K, reduced = len(pairs.mixture.weights), pairs.on_fisher.modalities
    maps = _isometries(given, reduced)
    orbit = {0}
    for _ in range(K):
        orbit |= {p[k] for p in maps for k in orbit}
    bounds = [x.m - int(len(orbit) == K and not is_zero(x.mean)) for x in reduced]
    for p in maps if len(pairs.modalities) == 2 else []:
        left, right = (_isometry(x, p).charpoly() for x in reduced)
        bounds.append(int(left.gcd(right).degree()))
    return 0, min(bounds)


def _isometries(given: object, reduced: Sequence[Mixture]) -> list[list[int]]:
    """Return permutations of the components that preserve the weights, and the geometry of the means of each law."""
    weights, K = reduced[0].weights, len(reduced[0].weights)
    listed = [array(p, "permutations", MAX_SIZE) for p in array(given, "permutations", MAX_SIZE)]
    maps = [[integer(x, "permutations", 0, K - 1) for x in p] for p in listed]
    grams = [x.means.transpose() * solve(x.sigma, x.means) for x in reduced]
    for p in maps:
        if sorted(p) != list(range(K)) or [weights[k] for k in p] != weights:
            raise Rejected("a permutation is none, or moves a weight")
        if any(select(gram, p, p) != gram for gram in grams):
            raise Rejected("a permutation does not preserve the geometry of the means")
    return maps


def _isometry(mixture: Mixture, permutation: list[int]) -> fmpq_mat:
    """Return the matrix that takes each μ_k to μ_{π(k)}, in the basis of the first independent means (m × m)."""
    reduced, pivots = echelon(mixture.means)
    return select(reduced, range(len(pivots)), [permutation[j] for j in pivots])


def equality(pairs: Pairs, bounds: Bounds) -> Finding:
    """The column spaces are the Fisher subspaces when the minimiser has their dimensions as its rank."""
    low, high = (min(bound, pairs.columns) for bound in bounds)
    if all(m == low for m in pairs.sizes):
        return Finding("proved", (low, high), pairs.sizes)
    if high < max(pairs.sizes):
        return Finding("refuted", (low, high), pairs.sizes)
    raise Rejected(f"the rank of the minimiser is only known to be between {low} and {high}")


def top(pairs: Pairs, bounds: Bounds) -> Finding:
    """J is largest on spaces ⊇ S_F for r ≥ m; else on none of < r dimensions, on all in S_F of r if Σ⁻¹S ∝ 1 there."""
    r = pairs.columns
    if r >= max(pairs.sizes):
        return equality(pairs, bounds)
    low, high = (min(bound, r) for bound in bounds)
    if high < r:
        return Finding("refuted", (low, high), pairs.sizes)
    if low == r and all(x.m == r or alike(x) for x in pairs.on_fisher.modalities):
        return Finding("proved", (low, high), pairs.sizes)
    raise Rejected("for r < m the rule is for minimisers of full rank and a Σ⁻¹S that is a multiple of 1 on S_F")


def alike(law: Mixture) -> bool:
    """Decide whether Σ̄⁻¹S is a multiple of 1, for a law on S_F: then J is the same on all spaces of one dimension."""
    return is_zero(law.S * law.m - law.sigma * trace(solve(law.sigma, law.S)))


def unseen(pairs: Pairs, hints: object) -> Finding:
    """What permutations move in one modality and leave in the other is not learnt: J misses an eigenvalue (4.7)."""
    number, given, level = read(hints, modality=_side, permutations=lambda value, _: value, level=rational)
    law, other = pairs.on_fisher.modalities[number], pairs.on_fisher.modalities[1 - number]
    still = fmpq_mat(law.m, 0)
    for p in _isometries(given, [law]):
        if select(other.means, range(other.m), p) != other.means:
            raise Rejected("the other modality sees the permutation")
        still = beside(still, select(law.means, range(law.m), p) - law.means)
    seen = null_space(still.transpose()) if still.ncols() else law.fisher
    reached, there = (counts(V, law.S, law.sigma, level)[0] for V in (seen, law.fisher))
    if not reached < min(pairs.columns, there):
        raise Rejected("the best directions may be among those that the other modality sees")
    return Finding("refuted")


def literal(pairs: Pairs, bounds: Bounds) -> Finding:
    """Factors are inside when both S_F are everything, or r ≤ rank W°; not for r > rank W°, when a column is free."""
    if pairs.sizes == tuple(x.dimension for x in pairs.modalities) or pairs.columns <= bounds[0]:
        return Finding("proved")
    if pairs.columns > bounds[1]:
        return Finding("refuted")
    raise Rejected("r is at most the rank that the minimiser may have")
