"""Evidence about a statement: counterexamples, and what becomes of it when one hypothesis is dropped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from math import isqrt
from pathlib import Path

import numpy as np

from thmverify import exact
from thmverify.certifying import decide
from thmverify.certifying.formulas import Expression
from thmverify.certifying.writing import instance_fields, written_instance
from thmverify.errors import InputError
from thmverify.kernel import Rejected, check
from thmverify.kernel.covers import VerifiedEverywhere, VerifiedRegion
from thmverify.kernel.formulas import VerifiedFormula
from thmverify.kernel.strict import digest, file_bytes
from thmverify.models import CLIPGMM, GMM, Instance
from thmverify.relations import Relation
from thmverify.verdicts import Outcome, Provenance, Verdict

Examine = Callable[[Instance], Verdict]


@dataclass(frozen=True)
class ByKernel:
    """Decide a claim of the kernel on an instance: a certificate is proposed, the kernel's answer is the verdict.

    `otherwise` says more of an instance that the kernel leaves open, and may decide it, without a certificate.
    """

    claim: str
    otherwise: Examine | None = None

    def __call__(self, instance: Instance) -> Verdict:
        """Return the verdict, without its margin. Raises InputError when the claim is about another model."""
        return self.decide(instance, measured=False)[0]

    def decide(self, instance: Instance, measured: bool = True) -> tuple[Verdict, bytes | None]:
        """Return the verdict, and the certificate where the kernel decides. Raises InputError as `__call__` does."""
        verdict, data = decide(self.claim, instance, measured)
        if data is None and self.otherwise is not None:
            try:
                with np.errstate(over="raise", divide="raise", invalid="raise"):
                    other = self.otherwise(instance)
            except (InputError, *exact.FLOATS_FAIL) as error:  # of floats: the kernel has had its say
                return replace(verdict, reason=f"{verdict.reason}; floats do not see it: {error}"), None
            undecided = other.outcome is Outcome.UNDECIDED
            return replace(other, reason=f"{verdict.reason}; {other.reason}") if undecided else other, None
        return verdict, data


@dataclass(frozen=True)
class Counterexample:
    """An instance that refutes a statement, with the argument that tempts, the catch, and the repaired statement.

    `evidence` is the path of a certificate that the kernel re-checks or the instance itself, which the statement's own
    examination then refutes, in rational arithmetic.
    `near` says what is known of the instances near it: which certificate is about them, that it lies on a border, or
    why nothing is; with a path of a certificate NAME.json, NAME-near.json is about them unless it says something else.
    """

    evidence: Path | Instance
    tempting: str
    catch: str
    repaired: str
    near: Near | Border | str = ""

    @property
    def name(self) -> str:
        """The certificate's file name without its ending; `exact` for an instance."""
        return self.evidence.stem if isinstance(self.evidence, Path) else Provenance.EXACT.value

    @cached_property
    def instance(self) -> Instance:
        """The instance. Raises OSError when the certificate is missing."""
        if isinstance(self.evidence, Instance):
            return self.evidence
        return written_instance(json.loads(file_bytes(self.evidence))["instance"])

    @property
    def nearby(self) -> Near | None:
        """Which certificate is about the instances near this one; None where it is said that none is."""
        if isinstance(self.near, Near):
            return self.near
        if self.near or isinstance(self.evidence, Instance) or not self.evidence.is_file():
            return None
        path = self.evidence.parent.parent / "neighbourhoods" / f"{self.evidence.stem}-near.json"
        return Near(path, json.loads(file_bytes(self.evidence))["claim"])

    @cached_property
    def neighbourhood(self) -> Neighbourhood | None:
        """What is verified of all instances near this one, or why nothing is; None where nobody has said."""
        if isinstance(self.near, Border):
            return self.near.found(self.instance)
        if self.near and isinstance(self.near, str):
            return Neighbourhood(None, None, self.near)
        near = self.nearby
        if near is None or not (self.near or near.certificate.is_file()):
            return None
        return near.checked(self.instance)

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
class Fails:
    """A formula, in the kernel's grammar, by which a conclusion fails wherever it is true, and `because` of what."""

    formula: Expression
    because: str
    definitions: Mapping[str, Expression] = field(default_factory=dict)


@dataclass(frozen=True)
class Near:
    """A certificate about every instance near one: that it refutes a claim of the kernel, or that a formula is true."""

    certificate: Path
    about: str | Fails = field(hash=False)

    @property
    def claim(self) -> str:
        """The claim of the kernel, or the name of the formula, which is that of the file."""
        return self.about if isinstance(self.about, str) else self.certificate.stem

    def checked(self, instance: Instance) -> Neighbourhood:
        """Return what the kernel says of the certificate, about the instances near this one."""
        path = self.certificate
        try:
            found = check(file_bytes(path))
        except (OSError, Rejected) as error:
            return Neighbourhood(path, None, f"{path.name}: {error}")
        if not isinstance(found, VerifiedRegion | VerifiedEverywhere):
            return Neighbourhood(path, None, f"{path.name} is about something else")
        if found.region.axes or found.region.given != instance_fields(instance):
            return Neighbourhood(path, None, f"{path.name} is about something else")
        if isinstance(found, VerifiedEverywhere):
            said, wanted = found.statement, self._statement
        else:
            said, wanted = f"{found.claim} {found.finding.verdict}", f"{self.about} refuted"
        if said != wanted:
            return Neighbourhood(path, None, f"{path.name} says something else")
        radius = Fraction(str(found.region.radius))
        why = "" if isinstance(self.about, str) else f": {self.about.because}"
        return Neighbourhood(path, radius, f"refuted for every instance within {float(radius):.2g}{why}")

    @property
    def _statement(self) -> str:
        if isinstance(self.about, str):
            return ""
        meant = [[name, term.node] for name, term in self.about.definitions.items()]
        return digest([self.claim, meant, self.about.formula.node])


@dataclass(frozen=True)
class Border:
    """An instance near a counterexample on which the conclusion is proved: no radius reaches so far.

    `why` says why there is no smaller one either, `examine` decides the conclusion there.
    """

    instance: Instance
    examine: Examine
    why: str

    def found(self, centre: Instance) -> Neighbourhood:
        """Return that there is no radius, once the conclusion is proved on an instance that is near the centre."""
        verdict = self.examine(self.instance)
        if verdict.outcome is not Outcome.PROVED or not 0 < distance(centre, self.instance) < 1:
            return Neighbourhood(None, None, f"the instance said to be beyond the border is not: {verdict.reason}")
        far = float(distance(centre, self.instance))
        return Neighbourhood(None, None, f"no radius: {self.why}; {far:.2g} away the conclusion is proved")


def distance(first: Instance, second: Instance) -> Fraction:
    """Return a radius within which the second is of the first, of one model and covariance; 1 where that is not so.

    Within a radius: weights and bias differ by no more, means by no more standard deviations.
    """
    one, other = instance_fields(first), instance_fields(second)
    moved = {"weights", "bias", "means", "vision", "text"}
    if {k: v for k, v in one.items() if k not in moved} != {k: v for k, v in other.items() if k not in moved}:
        return Fraction(1)
    least = Fraction(0)
    for x, y in zip([*one["weights"], one["bias"]], [*other["weights"], other["bias"]], strict=True):
        least = max(least, abs(Fraction(x) - Fraction(y)))
    for before, after in zip(_laws(first), _laws(second), strict=True):
        if before.covariances != after.covariances:
            return Fraction(1)
        inverse = exact.matrix(before.covariances[0]).inv()
        for m, n in zip(before.means, after.means, strict=True):
            step = exact.column(tuple(b - a for a, b in zip(m, n, strict=True)))
            square = exact.to_fraction((step.transpose() * inverse * step)[0, 0])
            least = max(least, _root_above(square))
    return least


def _laws(instance: Instance) -> tuple[GMM, ...]:
    model = instance.model
    return (model.vision, model.text) if isinstance(model, CLIPGMM) else (instance.pairs.mixture,)


def _root_above(x: Fraction) -> Fraction:
    """Return a rational at least √x, to nine digits."""
    return Fraction(isqrt(int(x * 10**18)) + 1, 10**9) if x else x


@dataclass(frozen=True)
class Neighbourhood:
    """What is known of every instance near a counterexample: a radius within which each is one, or none, and why.

    There is a certificate with a radius, or one that the kernel rejects. Within a radius: weights and bias differ by no
    more, means by no more standard deviations, in their span; the covariance is the same.
    """

    certificate: Path | None
    radius: Fraction | None
    reason: str

    @property
    def command(self) -> str:
        """What checks the certificate; nothing where there is none."""
        return "" if self.certificate is None else f"thmverify check {self.certificate.stem}"


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
