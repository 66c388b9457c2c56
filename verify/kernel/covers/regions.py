"""A certificate about instances near one, or of a family of them: what a claim says of each, piece by piece."""

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from flint import ctx, fmpq, fmpq_mat

from thmverify.kernel.claims import STATEMENTS, check_statement
from thmverify.kernel.covers.bisection import Box, interval, read_range, volume
from thmverify.kernel.covers.nearby import Axis, check_axis, nearby
from thmverify.kernel.covers.slopes import follow
from thmverify.kernel.integrals import read_grids
from thmverify.kernel.models import Finding, Pairs, instance
from thmverify.kernel.parse import bits, check_hint, integer, matrix, rational, vector
from thmverify.kernel.rules import KINDS, RULES
from thmverify.kernel.rules.angles import MAX_NODES
from thmverify.kernel.strict import MAX_SIZE, Rejected, array, exactly, record, sealed

FORMAT = "thmverify-region-1"
FIELDS = ("format", "claim", "statement", "set", "hints", "content")
_RANKED = ("infonce-equality", "clip-effective-equality", "clip-inclusion-literal")
SEEN = {(claim, rule) for claim in _RANKED for rule in ("exact", "kkt")}  # the rules that take balls
SEEN |= {("infonce-equality", "follow"), ("infonce-top-r", "border"), ("simsiam-inclusion", "leak")}
SEEN |= {("simclr-normalised-inclusion", "losses")}
CLAIMS = {claim: text for claim, text in STATEMENTS.items() if any(claim == other for other, _ in SEEN)}
MAX_AXES, MAX_PIECES, MAX_DEPTH = 3, 10**5, 60
MAX_WORK = 4 * 10**10  # nodes · components · bits, at least 128, of all pieces: about ten minutes
_BITS = 128  # for what comes before the integrals
_SEEN = 1000  # the work of seeing the instances of a piece, beside the integrals: so much for each of K·d·m numbers
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


class Region(NamedTuple):
    """The instances: one of them, the parameters that it may have others of, and the radius around all of these."""

    given: object
    pairs: Pairs
    axes: list[Axis]
    radius: fmpq

    @property
    def whole(self) -> Box:
        """The box of the parameters."""
        return tuple(axis.ends for axis in self.axes)

    @property
    def text(self) -> str:
        """The set in words."""
        sides = " x ".join(f"{axis.name} [{axis.ends[0]}, {axis.ends[1]}]" for axis in self.axes)
        near = f"within {self.radius} of " if self.radius else ""
        return f"{near}{sides}" if sides else f"{near}the instance given"


class Piece(NamedTuple):
    """A box, by the halves that lead to it; what is found of all its instances, and how the kernel is to see it."""

    path: str
    verdict: str
    rule: str
    hints: object


class VerifiedRegion(NamedTuple):
    """A claim about a set of instances: the share of the parameters where it is proved, and where it is refuted."""

    claim: str
    region: Region
    pieces: list[Piece]
    proved: fmpq
    refuted: fmpq

    @property
    def finding(self) -> Finding:
        """Proved or refuted, when all of the set is, and else neither."""
        return Finding("proved" if self.proved == 1 else "refuted" if self.refuted == 1 else "settled in part")

    def lines_of_text(self) -> list[str]:
        """Return the answer; the last line names the claim and its set."""
        shares = f"proved on {self.proved}, refuted on {self.refuted} of the volume of the parameters"
        found = self.finding.verdict if 1 in (self.proved, self.refuted) else shares
        boxes = "1 box" if len(self.pieces) == 1 else f"{len(self.pieces)} boxes"
        return [
            f"settles {boxes}, each with all its instances at once",
            f"VERIFIED {self.claim}, {self.region.text}: {found}",
        ]


def check(whole: Any) -> VerifiedRegion:
    """Return what a certificate proves of its set. Raises Rejected with the reason."""
    claim, statement, instances, hints = sealed(whole, "the certificate", FORMAT, FIELDS)
    check_statement(claim, statement, CLAIMS)
    region = read_region(instances, claim)
    frames, pieces = read_hints(hints, claim, region)
    shares = {"proved": fmpq(0), "refuted": fmpq(0)}
    for piece in pieces:
        box = part(region.whole, piece.path)
        if settle(claim, region, frames, box, piece.rule, piece.hints) != piece.verdict:
            raise Rejected("what was found is not what the certificate says")
        shares[piece.verdict] += volume(box) / volume(region.whole)
    return VerifiedRegion(claim, region, pieces, shares["proved"], shares["refuted"])


def settle(claim: str, region: Region, frames: Sequence[fmpq_mat], box: Box, rule: str, hints: object) -> str:
    """Return what the claim is on every instance of a box: proved or refuted. Raises Rejected with the reason."""
    with ctx.workprec(_BITS):
        if rule == "follow":
            return follow(region.pairs, frames[0], region.axes, box, region.radius, hints).verdict
        pairs = nearby(region.pairs, frames, region.axes, [interval(*side) for side in box], region.radius)
        found: Finding = RULES[claim, rule](pairs, hints)
    return found.verdict


def read_region(value: object, claim: str) -> Region:
    """Return the set of a certificate about a claim."""
    region = read_set(value)
    if KINDS[claim] not in region.pairs.kinds:
        raise Rejected("the claim is about another model, or about a shared covariance")
    if not all(region.pairs.sizes):
        raise Rejected("the means of the instance are all 0")
    return region


def read_set(value: object) -> Region:
    """Return a set of instances."""
    given, axes, radius = record(value, "the set", ("instance", "axes", "radius"))
    pairs = instance(given)
    if not isinstance(pairs, Pairs) or not all(mixture.shared for mixture in pairs.modalities):  # else Σ̄ depends on w
        raise Rejected("the instance is no mixture, or its components do not share a covariance")
    found = [_axis(axis) for axis in array(axes, "axes", MAX_AXES)]
    for axis in found:
        check_axis(pairs, axis)
    moves = [sorted((end - axis.at) * axis.bias for end in axis.ends) for axis in found]
    if not all(0 <= pairs.bias + sum(ends, fmpq(0)) <= 1 for ends in zip(*moves, strict=True)):
        raise Rejected("an axis takes the bias out of [0, 1], where no instance is")
    around = rational(radius, "radius", 0, 1)
    if not (found or around > 0):
        raise Rejected("the set has no axis and no radius")
    return Region(given, pairs, found, around)


def _axis(value: object) -> Axis:
    name, at, ends, weights, means, bias = record(value, "an axis", ("name", "at", "range", "weights", "means", "bias"))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Rejected("the name of an axis is not a letter, then at most 39 letters, digits, - and _")
    moves = [matrix(array(part, "means", MAX_SIZE), "means").transpose() for part in array(means, "means", 2)]
    within = read_range(ends, -(10**4))
    return Axis(name, rational(at, "at"), within, vector(weights, "weights"), moves, rational(bias, "bias"))


def read_hints(value: object, claim: str, region: Region) -> tuple[list[fmpq_mat], list[Piece]]:
    """Return a frame for each modality and the pieces, when together they do not ask for too much work."""
    given, listed = record(value, "hints", ("frames", "pieces"))
    frames, pieces, work = read_frames(given, region), [], 0
    size = sum(len(x.weights) * x.dimension * x.m for x in region.pairs.modalities)
    for one in array(listed, "pieces", min(MAX_PIECES, MAX_WORK // (_SEEN * size))):
        path, verdict, rule, hints = record(one, "a piece", ("path", "verdict", "rule", "hints"))
        if verdict not in ("proved", "refuted") or (claim, rule) not in SEEN:
            raise Rejected("a piece is not proved or refuted, or by a rule that does not take sets")
        halves = {str(i) for i in range(2 * len(region.axes))}
        if not isinstance(path, str) or set(path) - halves or len(path) > MAX_DEPTH:
            raise Rejected(f"a path is not at most {MAX_DEPTH} digits, 2i and 2i + 1 for the halves of axis i")
        pieces.append(Piece(path, verdict, rule, hints))
        work += cost(hints) + (following(region) if rule == "follow" else 0)
    if not pieces or work > MAX_WORK:
        raise Rejected("there are no pieces, or they ask for too much work")
    if not all(apart(x, y) for x, y in pairwise(sorted(piece.path for piece in pieces))):
        raise Rejected("two pieces may overlap")
    return frames, pieces


def read_frames(given: object, region: Region) -> list[fmpq_mat]:
    """Return an invertible matrix for each modality."""
    sizes = region.pairs.sizes
    frames = [matrix(Q, "a frame", m, m) for Q, m in zip(exactly(len(sizes), given, "frames"), sizes, strict=True)]
    for Q in frames:
        check_hint("a frame", Q)
    if any(Q.det() == 0 for Q in frames):
        raise Rejected("a frame is not invertible")
    return frames


def cost(hints: object) -> int:
    """Return what the grids of a piece cost: their nodes times the components and the bits, at least 128."""
    fields = hints if isinstance(hints, dict) else {}
    work, precision = 0, max(bits(fields["precision"], "precision"), 128) if "precision" in fields else 128
    if "nodes" in fields:  # on the circle, for as many components as there may be
        work += integer(fields["nodes"], "nodes", 1, MAX_NODES) * MAX_SIZE
    inner = sum(cost(value) for value in fields.values() if isinstance(value, dict))  # the border in the hints of one
    for grids in (read_grids(grids, name) for name, grids in fields.items() if "grids" in name):
        if not all(isinstance(grid, list) for grid in grids):
            raise Rejected("a grid of a set of instances is not a lattice")
        nodes = sum(math.prod(len(axis.steps) for axis in grid) for grid in grids if isinstance(grid, list))
        work += nodes * len(grids) * (len(grids) + 3) // 2  # softmax weights and their products
    return work * precision + inner


def following(region: Region) -> int:
    """Return what the slopes of a piece cost: for each component, of each pair's moments, along each parameter."""
    K, m = len(region.pairs.mixture.weights), region.pairs.mixture.m
    parameters = len(region.axes) + (K + 1 + K * m if region.radius else 0)
    return _BITS * parameters * K * (K * (K - 1) // 2) * (1 + m) ** 2


def apart(first: str, second: str) -> bool:
    """Whether two paths part: into both halves of the same axis."""
    ways = next(((int(x), int(y)) for x, y in zip(first, second, strict=False) if x != y), None)
    return ways is not None and ways[0] // 2 == ways[1] // 2


def part(whole: Box, path: str) -> Box:
    """Return the box that the digits lead to: 2i is the lower half of axis i, 2i + 1 the upper one."""
    box = list(whole)
    for axis, half in (divmod(int(digit), 2) for digit in path):
        low, high = box[axis]
        middle = (low + high) / 2
        box[axis] = (middle, high) if half else (low, middle)
    return tuple(box)
