"""Long hunts, `pytest property_tests -m hunt`: from nothing to a certificate within the time promised, and open cases.

`--hunt-budget=5m` changes what each hunt may spend.
"""

from __future__ import annotations

import pytest

from property_tests.hunt.support import plan
from thmverify.budget import Budget
from thmverify.hunting.ledger import Ledger
from thmverify.hunting.run import hunt
from thmverify.kernel import check

pytestmark = pytest.mark.hunt

# Statements that nobody has proved or refuted: what a hunt finds here is news.
OPEN = [
    *[("weights=equal", f"components={K}", f"delta={delta}") for K in (3, 4, 5, 6) for delta in ("1", "7/10")],
    ("weights=equal", "components=3", "shape=any"),
    ("weights=equal", "components=3", "shape=any", "delta=7/10"),
]


@pytest.fixture
def budget(request):
    def chosen(default: str) -> Budget:
        return Budget.parse(request.config.getoption("--hunt-budget") or default)

    return chosen


@pytest.mark.parametrize(("delta", "most", "wanted"), [("7/10", "60s", 9), ("1", "10m", 8)])
def test_centred_infonce_is_refuted_from_nothing(delta, most, wanted, budget, tmp_path):
    ledger = Ledger(tmp_path)
    found = 0
    for seed in range(10):
        result = hunt(plan("infonce-equality", f"delta={delta}", seed=seed), ledger, budget(most), simpler=False)
        if result.found is not None:
            found += check(result.found.certificate).finding.verdict == "refuted"
    ledger.close()
    assert found >= wanted


@pytest.mark.parametrize("pairs", OPEN, ids=" ".join)
def test_equal_weights_stay_open(pairs, budget, tmp_path):
    ledger = Ledger(tmp_path)
    result = hunt(plan("infonce-equality", *pairs), ledger, budget("60s"))
    ledger.close()
    assert result.found is None, f"a counterexample to an open statement: {result.found}"
    assert result.done.best < 0
