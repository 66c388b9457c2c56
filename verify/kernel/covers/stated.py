"""A certificate about a formula that is true on every instance of a set: its numbers are balls (PROOFS.md, 10.10)."""

from typing import Any, NamedTuple

from flint import ctx

from thmverify.kernel.covers.bisection import interval
from thmverify.kernel.covers.nearby import nearby
from thmverify.kernel.covers.regions import Region, read_frames, read_set
from thmverify.kernel.formulas.claims import Evaluated, check_name, check_true, of_pairs, valued
from thmverify.kernel.models import Finding
from thmverify.kernel.parse import bits, check_work
from thmverify.kernel.strict import Rejected, record, sealed

FORMAT = "thmverify-formula-region-1"
FIELDS = ("format", "claim", "definitions", "formula", "statement", "set", "hints", "content")


class VerifiedEverywhere(NamedTuple):
    """A formula that is true on every instance of a set: its name and text, its definitions, the statement's hash."""

    claim: str
    formula: str
    definitions: tuple[str, ...]
    statement: str
    region: Region
    finding: Finding = Finding("proved")

    def lines_of_text(self) -> list[str]:
        """Return the answer: the definitions, and on the last line the set and the formula."""
        meant = [f"where {text}" for text in self.definitions]
        return [*meant, f"VERIFIED {self.claim}, {self.region.text}: {self.formula}"]


def check(whole: Any) -> VerifiedEverywhere:
    """Return the formula of a certificate, if it is certainly true on all of its set. Raises Rejected if not."""
    claim, definitions, formula, statement, instances, hints = sealed(whole, "the certificate", FORMAT, FIELDS)
    check_name(claim, definitions, formula, statement)
    region = read_set(instances)
    found = everywhere(definitions, formula, region, hints)
    check_true(found, "every instance of the set")
    return VerifiedEverywhere(claim, found.term.text, found.definitions, statement, region)


def everywhere(definitions: object, formula: object, region: Region, hints: object) -> Evaluated:
    """Return the formula's truth on all instances of a set, None where it is not certain. No expectations are there.

    Raises Rejected where the instances may have other dimensions or an axis has a name of the formula's, and
    Undefined when a term has no certain value.
    """
    precision, turns = record(hints, "hints", ("precision", "frames"))
    frames = read_frames(turns, region)
    for mixture in region.pairs.modalities:
        check_work("the instances", mixture.dimension**3, [mixture.sigma.entries(), mixture.means.entries()])
    with ctx.workprec(bits(precision, "precision")):
        sides = [interval(*side) for side in region.whole]
        pairs = nearby(region.pairs, frames, region.axes, sides, region.radius)
        names = of_pairs(pairs)
    found = valued(definitions, formula, names, None, {"precision": precision, "grids": []})
    if {axis.name for axis in region.axes} & {*names, *(text.split()[0] for text in found.definitions)}:
        raise Rejected("the name of an axis stands for two things")  # else the answer would read as if it were one
    return found
