"""What the tests of the hunter share."""

from __future__ import annotations

from pathlib import Path

from thmverify.budget import Budget
from thmverify.hunting.ledger import Ledger
from thmverify.hunting.questions import ask
from thmverify.hunting.run import Plan, Result, hunt


def plan(name: str, *pairs: str, drop: tuple[str, ...] = (), seed: int = 0, **options) -> Plan:
    return Plan(ask(name, pairs, drop), seed, **options)


def hunted(folder: Path, the_plan: Plan, evaluations: int, **options) -> Result:
    ledger = Ledger(folder)
    try:
        return hunt(the_plan, ledger, Budget(0.0, evaluations), **options)
    finally:
        ledger.close()


def contents(folder: Path, hunt_id: str) -> dict[str, object]:
    """What a hunt has come to, as the ledger holds it, but for the time it took and where its rounds ended."""
    ledger = Ledger(folder)
    try:
        places = {number: place.text() for number, place in ledger.checkpoints(hunt_id)[0].items()}
        certificates = [(c.stage, c.island, c.generation, c.digest) for c in ledger.certificates(hunt_id)]
    finally:
        ledger.close()
    return {"checkpoints": places, "certificates": certificates}


def generations(folder: Path, hunt_id: str) -> int:
    """How many generations all islands of a hunt have done, as the ledger holds them."""
    if not (folder / "ledger.sqlite").exists():
        return 0
    ledger = Ledger(folder)
    try:
        return sum(place.generation for place in ledger.checkpoints(hunt_id)[0].values())
    finally:
        ledger.close()
