"""What workers run: margins of many points, and a certificate for one point. Pure functions of their arguments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from thmverify.errors import InputError
from thmverify.hunting.drafts import Proposed
from thmverify.hunting.questions import Question
from thmverify.hunting.targets import Target
from thmverify.models import Floats
from thmverify.verdicts import Outcome


@dataclass(frozen=True)
class Refutation:
    """A draft whose instance refutes the claim, and the certificate that the kernel has checked."""

    draft: Proposed
    certificate: bytes


@lru_cache(maxsize=8)
def _target(question: Question) -> Target:
    return question.target()


def margins(question: Question, points: Floats) -> Floats:
    """Return the margins of points (n × size); what is no number looks true as can be."""
    target = _target(question)
    with np.errstate(all="ignore"):  # a point may be far out: its margin is then −∞
        try:
            found = target.margins(points)
        except np.linalg.LinAlgError:
            if len(points) == 1:
                return np.array([-np.inf])
            found = np.concatenate([margins(question, point[None]) for point in points])
    return np.where(np.isnan(found), -np.inf, found)


def refute(claim: str, draft: Proposed) -> Refutation | None:
    """Return the refutation that a draft makes, if the kernel accepts one; means that coincide make none.

    What is decided, and kept, is the draft in its canonical form, so that a hunt finds the same on every machine.
    """
    if not draft.spans:
        return None
    draft = draft.canonical()
    try:
        verdict, certificate = draft.decide(claim)
    except InputError:  # the draft makes no instance, or none of this claim
        return None
    if verdict.outcome is not Outcome.REFUTED or certificate is None:
        return None
    return Refutation(draft, certificate)


def certify(question: Question, point: Floats) -> Refutation | None:
    """Return a refutation by one of the drafts that the point stands for, if any."""
    with np.errstate(all="ignore"):  # it may be far out
        refutations = (refute(question.claim, draft) for draft in _target(question).drafts(point))
        return next((found for found in refutations if found is not None), None)
