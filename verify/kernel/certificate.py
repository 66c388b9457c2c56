"""One certificate, one answer: the claim it verifies, or the reason why it is rejected."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from thmverify.kernel import covers, formulas
from thmverify.kernel.claims import STATEMENTS, check_statement
from thmverify.kernel.models import Finding, instance
from thmverify.kernel.parse import integer
from thmverify.kernel.rules import RULES
from thmverify.kernel.strict import Rejected, array, canonical, parse, sealed

FORMAT = "thmverify-certificate-2"
FIELDS = ("format", "claim", "statement", "instance", "verdict", "rank", "dimension", "rule", "hints", "content")


class Verified(NamedTuple):
    """A claim about an instance (by value, as in the certificate), and what was found."""

    claim: str
    instance: object
    finding: Finding

    def lines_of_text(self) -> list[str]:
        """Return the answer: the claim, and what it is on the instance."""
        return [f"VERIFIED {self.claim}: {self.finding.verdict} for the instance given"]


Answer = Verified | formulas.VerifiedFormula | covers.VerifiedCover | covers.VerifiedRegion | covers.VerifiedEverywhere

_PARTS: tuple[Any, ...] = (formulas, covers, covers.regions, covers.stated)
OTHERS: dict[str, Callable[[Any], Answer]] = {part.FORMAT: part.check for part in _PARTS}  # by their formats


def check(data: bytes) -> Answer:
    """Return what the certificate proves. Raises Rejected with the reason; whatever goes wrong is a rejection."""
    try:
        return _check(data)
    except Rejected:
        raise
    except Exception as error:  # a checker that breaks down has not accepted
        raise Rejected(f"the check broke down with {type(error).__name__}") from error


def _check(data: bytes) -> Answer:
    whole = parse(data)
    for name, other in OTHERS.items():
        if isinstance(whole, dict) and whole.get("format") == name:
            return other(whole)
    claim, statement, model, verdict, *bounds, rule, hints = sealed(whole, "the certificate", FORMAT, FIELDS)
    check_statement(claim, statement, STATEMENTS)
    if not isinstance(rule, str) or (claim, rule) not in RULES:
        raise Rejected("the claim has no such rule")
    rank, dimension = (tuple(integer(x, "a rank", 0, 10**4) for x in array(part, "a rank", 2)) for part in bounds)
    if (finding := find(claim, rule, canonical([model, hints]))) != Finding(verdict, rank, dimension):
        raise Rejected("what was found is not what the certificate says")
    return Verified(claim, model, finding)


@lru_cache(maxsize=8)
def find(claim: str, rule: str, content: bytes) -> Finding:
    """Return what a rule makes of an instance and hints, in their bytes; what it found last in them is remembered."""
    model, hints = json.loads(content)
    return RULES[claim, rule](instance(model), hints)
