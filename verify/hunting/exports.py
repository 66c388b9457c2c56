"""From the ledger to what is told of a hunt: its verdict, and a record in a file of its own."""

from __future__ import annotations

from thmverify.errors import InputError
from thmverify.hunting.jobs import refute
from thmverify.hunting.ledger import Description, Ledger
from thmverify.hunting.questions import Question
from thmverify.huntrecords import HuntRecord
from thmverify.instances import instance_to_json
from thmverify.models import Floats, Instance


def verdict(ledger: Ledger, found: Description) -> str:
    """Return "undecided" where nothing was found, "refuted" where the last instance found refutes the claim once more.

    Otherwise "unconfirmed": the ledger was changed, or the claim is one of a theory that is not loaded.
    """
    certificates = ledger.certificates(found.id)
    if not certificates:
        return "undecided"
    again = refute(found.question["claim"], certificates[-1].refutation.draft)
    return "unconfirmed" if again is None else "refuted"


def record(ledger: Ledger, found: Description) -> HuntRecord:
    """Return the record of a hunt in the ledger.

    Raises InputError when no round of it is finished, no point had a margin, or what it found is no refutation.
    """
    if verdict(ledger, found) == "unconfirmed":
        rule = f"has an instance in the ledger that does not refute {found.question['claim']} here"
        raise InputError("ID", found.id, rule, "hunt with a new seed, or name the theory with --with")
    places = ledger.checkpoints(found.id)[0].values()
    bests = [place.best for place in places if place.best is not None]
    if not bests:
        raise InputError("ID", found.id, "has no best margin yet", "go on with `thmverify hunt … --resume`")
    best = max(bests, key=lambda best: best.margin)
    data = {
        "hunt": found.id,
        **found.question,
        "seed": found.seed,
        "searchers": found.searchers,
        "batch": found.batch,
        "islands": found.islands,
        "evaluations": sum(place.evaluations for place in places),
        "best_margin": repr(best.margin),
        "point": [repr(x) for x in best.point.tolist()],
        "instance": instance_to_json(nearest(Question.from_json(found.question), best.point)),
        "certified": [saved.digest for saved in ledger.certificates(found.id)],
        "versions": found.versions,
    }
    return HuntRecord.model_validate(data)


def nearest(question: Question, point: Floats) -> Instance:
    """Return the first exact instance that a point stands for.

    Raises InputError when it stands for none.
    """
    for draft in question.target().drafts(point):
        try:
            return draft.instance()
        except InputError:
            continue
    raise InputError("ID", question.name, "has a best point that stands for no instance", "hunt with another seed")
