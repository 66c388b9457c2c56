"""Evidence about a statement: counterexamples, and what becomes of it when one hypothesis is dropped."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from thmverify.certifying import decide
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected, check
from thmverify.kernel.covers import VerifiedRegion
from thmverify.kernel.formulas import VerifiedFormula
from thmverify.kernel.strict import file_bytes
from thmverify.models import Instance
from thmverify.relations import Relation
from thmverify.verdicts import Outcome, Provenance, Verdict

Examine = Callable[[Instance], Verdict]


@dataclass(frozen=True)
class ByKernel:
    """Decide a claim of the kernel on an instance: a certificate is proposed, the kernel's answer is the verdict."""

    claim: str

    def __call__(self, instance: Instance) -> Verdict:
        """Return the verdict. Raises InputError when the claim is about another model."""
        return decide(self.claim, instance)[0]


@dataclass(frozen=True)
class Counterexample:
    """An instance that refutes a statement, with the argument that tempts, the catch, and the repaired statement.

    `evidence` is the path of a certificate that the kernel re-checks or the instance itself, which the statement's own
    examination then refutes: in rational arithmetic or, as `decided` has to say, in balls that are not the kernel's.
    """

    evidence: Path | Instance
    tempting: str
    catch: str
    repaired: str
    decided: Provenance = Provenance.EXACT

    @property
    def name(self) -> str:
        """The certificate's file name without its ending; `exact` or `enclosed` for an instance."""
        return self.evidence.stem if isinstance(self.evidence, Path) else self.decided.value

    @cached_property
    def instance(self) -> Instance:
        """The instance. Raises OSError when the certificate is missing."""
        if isinstance(self.evidence, Instance):
            return self.evidence
        data = json.loads(file_bytes(self.evidence))["instance"]
        if "rank" in data:
            data["rank"] = int(data["rank"])
        return parse_instance(data)

    @cached_property
    def neighbourhood(self) -> Neighbourhood | None:
        """What the kernel verifies of all instances near this one; None where no certificate of a set ships with it."""
        if isinstance(self.evidence, Instance):
            return None
        path = self.evidence.parent.parent / "neighbourhoods" / f"{self.evidence.stem}-near.json"
        if not path.is_file():
            return None
        try:
            found = check(file_bytes(path))
        except (OSError, Rejected) as error:
            return Neighbourhood(path, None, f"{path.name}: {error}")
        fields = json.loads(file_bytes(self.evidence))
        if not isinstance(found, VerifiedRegion) or found.region.axes or found.region.given != fields["instance"]:
            return Neighbourhood(path, None, f"{path.name} is about something else")
        if (found.claim, found.finding.verdict) != (fields["claim"], fields["verdict"]):
            return Neighbourhood(path, None, f"{path.name} says something else")
        radius = Fraction(str(found.region.radius))
        return Neighbourhood(path, radius, f"{found.finding.verdict} for every instance within {float(radius):.2g}")

    def verdict(self, claim: str | None, examine: Examine) -> Verdict:
        """Return what the kernel says of the certificate for this claim, or the examination of the instance.

        A certificate that is missing, rejected, or about another claim is a checker failure.
        """
        if isinstance(self.evidence, Instance):
            return examine(self.evidence)
        try:
            found = check(file_bytes(self.evidence))
        except (OSError, Rejected) as error:
            return Verdict(str(claim), Outcome.FAILED, f"{self.evidence.name}: {error}")
        if isinstance(found, VerifiedFormula):
            truth = examine.truth_of(found) if isinstance(examine, Relation) else None
        else:
            truth = found.finding.verdict == "proved" if found.claim == claim else None
        if truth is None:
            about = f"a formula of its own, {found.claim}" if isinstance(found, VerifiedFormula) else found.claim
            return Verdict(str(claim), Outcome.FAILED, f"{self.evidence.name} is about {about}")
        outcome = Outcome.PROVED if truth else Outcome.REFUTED
        reason = f"the kernel verifies {self.evidence.name}"
        return Verdict(str(claim), outcome, reason, provenance=Provenance.EXACT)


@dataclass(frozen=True)
class Neighbourhood:
    """A certificate about every instance near a counterexample: its radius, None where the kernel rejects it, and why.

    Within a radius: weights and bias differ by no more, means by no more standard deviations, in their span.
    """

    certificate: Path
    radius: Fraction | None
    reason: str


class Need(StrEnum):
    """What dropping one hypothesis does to a statement."""

    REDUNDANT = "redundant"
    NECESSARY = "necessary"
    CONSTITUTIVE = "part of the model"
    MOOT = "false anyway"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Break:
    """An instance that violates one hypothesis and no other, on which the conclusion fails.

    `examine` decides the conclusion there, exactly: often the claim of the kernel that does not suppose it.
    """

    hypothesis: str
    instance: Instance
    examine: Examine


@dataclass(frozen=True)
class Necessity:
    """Whether a hypothesis is needed, and how that is known."""

    hypothesis: str
    need: Need
    reason: str
