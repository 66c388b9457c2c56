"""What the tests of the hunter share."""

from __future__ import annotations

from pathlib import Path

from thmverify.hunting.ledger import Ledger
from thmverify.hunting.questions import ask
from thmverify.hunting.run import Budget, Plan, Result, hunt


def plan(name: str, *pairs: str, drop: tuple[str, ...] = (), seed: int = 0, **options) -> Plan:
    return Plan(ask(name, pairs, drop), seed, **options)


def hunted(folder: Path, the_plan: Plan, evaluations: int, **options) -> Result:
    ledger = Ledger(folder)
    try:
        return hunt(the_plan, ledger, Budget(0.0, evaluations), **options)
    finally:
        ledger.close()


def contents(folder: Path, hunt_id: str) -> dict[str, object]:
    """Everything that the ledger holds of a hunt, but for the time it took."""
    ledger = Ledger(folder)
    try:
        rounds = [(r.number, r.evaluations, r.tried, r.best) for r in ledger.rounds(hunt_id)]
        champions = [(n, s, m, p.tobytes()) for n, s, m, p in ledger.champions(hunt_id)]
        certificates = [(c.stage, c.round, c.digest) for c in ledger.certificates(hunt_id)]
        query = "SELECT round, searcher, points, margins FROM batches WHERE hunt = ? ORDER BY round, searcher"
        batches = ledger._db.execute(query, (hunt_id,)).fetchall()
    finally:
        ledger.close()
    return {"rounds": rounds, "champions": champions, "certificates": certificates, "batches": batches}
