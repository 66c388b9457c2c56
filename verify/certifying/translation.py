"""Certificates of `translation`: infonce-equality is decided for the mixture, and for the mixture moved to mean 0."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from thmverify.certifying import Undecided, certify
from thmverify.certifying.grids import OutOfReachError
from thmverify.certifying.proposal import Proposal
from thmverify.exact import centred
from thmverify.models import AugmentedPairs, Instance, SharedGMM

CLAIM = "infonce-equality"


def moved(instance: Instance) -> Instance:
    """Return the instance of x − μ̄."""
    mixture = instance.shared
    law = SharedGMM(mixture.weights, centred(mixture.weights, mixture.means), mixture.covariance)
    return replace(instance, model=AugmentedPairs(law, instance.pairs.bias))


def translation_proposals(instance: Instance, _pairs: object) -> Iterator[Proposal]:
    """Yield the rules and hints by which it is decided here and there. Raises OutOfReachError where it is not."""
    halves = {}
    for name, one in (("here", instance), ("there", moved(instance))):
        found = certify(CLAIM, one)
        if isinstance(found, Undecided):
            raise OutOfReachError(f"{CLAIM} is undecided {name}: {found.reason}")
        halves[name] = {part: json.loads(found.data)[part] for part in ("rule", "hints")}
    yield Proposal("both", halves)
