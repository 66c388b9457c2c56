"""The hunter itself: what is false is found and made small, what is true survives, whatever runs the work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Future
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from property_tests.hunt.support import contents, generations, hunted, plan
from property_tests.interrupts import SAFETY_NET
from thmverify.errors import InputError
from thmverify.hunting import conjectures, drafts, jobs
from thmverify.hunting.conjectures import CONJECTURES, Conjecture
from thmverify.hunting.drafts import Draft, convergents, simplest
from thmverify.hunting.executors import Here, Pool, run_all
from thmverify.hunting.jobs import refute
from thmverify.hunting.settings import Settings
from thmverify.hunting.simplify import TRIALS, simplify
from thmverify.hunting.targets import MixtureTarget
from thmverify.kernel import check
from thmverify.verdicts import Outcome, Verdict

# A hypothesis dropped, or a claim that is false as it stands: (name, settings, dropped, evaluations).
FALSE = [
    ("infonce-equality", ("delta=7/10",), (), 4000),
    ("infonce-equality", (), (), 20000),
    ("infonce-equality", (), ("centred",), 4000),
    ("infonce-equality", (), ("enough-columns",), 2000),
    ("infonce-top-r", (), (), 2000),
    ("nonshared-inclusion", (), (), 2000),
    ("clip-inclusion-literal", (), (), 2000),
    ("clip-effective-equality", (), (), 4000),
    ("simsiam-inclusion", (), (), 4000),
    ("pca-equality", (), (), 2000),
    ("spectral-top-r", (), ("centred",), 4000),
]
# True, by a proof or exactly: two centred components; Σ = I; centred means.
TRUE = [
    ("infonce-equality", ("components=2", "dimension=1"), ()),
    ("infonce-equality", ("components=2", "dimension=1", "delta=1/10"), ()),
    ("pca-equality", ("covariance=identity",), ()),
    ("simsiam-inclusion", ("covariance=identity",), ()),
    ("spectral-top-r", (), ()),
    ("spectral-top-r", ("delta=1",), ("centred",)),
]


@pytest.mark.parametrize(("name", "pairs", "drop", "evaluations"), FALSE, ids=str)
@pytest.mark.parametrize("seeds", [range(5), pytest.param(range(5, 100), marks=pytest.mark.hunt)], ids=len)
def test_the_false_is_refuted_nineteen_times_in_twenty(name, pairs, drop, evaluations, seeds, tmp_path):
    found = [hunted(tmp_path, plan(name, *pairs, drop=drop, seed=s), evaluations, simpler=False).found for s in seeds]
    assert sum(f is not None for f in found) >= 0.95 * len(seeds)
    for refutation in filter(None, found):
        assert check(refutation.certificate).finding.verdict == "refuted"


@pytest.mark.parametrize(("name", "pairs", "drop"), TRUE, ids=str)
def test_the_true_survives(name, pairs, drop, tmp_path):
    result = hunted(tmp_path, plan(name, *pairs, drop=drop), 4000)
    assert result.found is None
    assert result.done.evaluations >= 4000


DROPPED = [(c.name, h) for c in CONJECTURES.values() for h in c.droppable]
# Whether these are needed is not known.
UNKNOWN = [
    ("infonce-equality-equal-weights", "always-matched"),
    ("infonce-equality-equal-weights", "few-components"),
]


@pytest.mark.parametrize(("name", "hypothesis"), DROPPED, ids=str)
def test_a_hypothesis_that_can_be_dropped_is_needed(name, hypothesis, tmp_path):
    found = hunted(tmp_path, plan(name, drop=(hypothesis,)), 3000, simpler=False).found
    if (name, hypothesis) in UNKNOWN:
        assert found is None
    else:
        assert found is not None
        assert check(found.certificate).finding.verdict == "refuted"


@pytest.mark.parametrize("name", ["random", "cma", "polish", "hypothesis"])
def test_each_searcher_finds_alone(name, tmp_path):
    the_plan = plan("infonce-equality", "delta=7/10", searchers=(name,))
    assert hunted(tmp_path, the_plan, 20000, simpler=False).found is not None


# -- simplification ---------------------------------------------------------------------------------------------------


def rationals(*texts: str) -> tuple[Fraction, ...]:
    return tuple(Fraction(text) for text in texts)


def rows(*lines: str) -> tuple[tuple[Fraction, ...], ...]:
    return tuple(rationals(*line.split()) for line in lines)


def simplified(name: str, draft: Draft, settings: Settings | None = None, limit: int = TRIALS) -> Draft:
    found = refute(name, draft)
    assert found is not None
    return simplify(name, settings or CONJECTURES[name].settings, found, limit=limit).draft


def test_principal_components_tie_at_height_2():
    ugly = Draft(
        "shared-gmm", 2, rationals("7/19"), (rows("13/17 1/9"),), (rows("5/7", "1/11 23/3"),), Fraction(1), rank=1
    )
    small = simplified("pca-equality", ugly)
    assert small.weights == rationals("1/2")
    assert small.height == 2


def test_differing_covariances_leak_at_height_2():
    ugly = Draft(
        "gmm", 2, rationals("5/12"), (rows("1/7 12/11"),), (rows("9/8", "1/7 1"), rows("7/3", "-8/9 1")), Fraction(1)
    )
    small = simplified("nonshared-inclusion", ugly)
    assert small.height == 2


def test_infonce_misses_a_direction_of_three_means():
    means = rows("123/13 1/77", "-209/13 13/14")
    ugly = Draft("shared-gmm", 3, rationals("2/41", "1/97"), (means,), (), Fraction(7, 10))
    small = simplified("infonce-equality", ugly, limit=80)
    assert small.height <= 100
    assert any(0 in row for row in small.means[0])  # a mean on an axis


MIRRORED = {  # drafts, each with a mirror image of it
    "centred": ("infonce-equality", "shared-gmm", 3, ("123/13 1/77", "-209/13 13/14"), (), (1, -1)),
    "covariance": ("infonce-equality", "shared-gmm", 3, ("123/13 1/77", "-209/13 13/14"), (("1", "1/9 1"),), (-1, 1)),
    "separate": ("nonshared-inclusion", "gmm", 2, ("1/7 12/11",), (("9/8", "1/7 1"), ("7/3", "-8/9 1")), (-1, 1)),
}


@pytest.mark.parametrize("name", MIRRORED)
def test_mirror_images_have_one_canonical_form(name):
    claim, kind, components, means, covariances, signs = MIRRORED[name]
    weights = rationals("2/41", "1/97")[: components - 1]
    draft = Draft(kind, components, weights, (rows(*means),), tuple(rows(*c) for c in covariances), Fraction(7, 10))
    mirrored = replace(
        draft,
        means=(tuple(tuple(s * x for s, x in zip(signs, row, strict=True)) for row in draft.means[0]),),
        covariances=tuple(
            tuple(tuple(signs[i] * signs[j] * x for j, x in enumerate(row)) for i, row in enumerate(lower))
            for lower in draft.covariances
        ),
    )
    assert draft != mirrored
    assert draft.canonical() == mirrored.canonical() == draft.canonical().canonical()
    first = draft.canonical().instance().pairs.mixture.means[0]
    assert all(x >= 0 for x in first)
    found = [refute(claim, d) for d in (draft, mirrored)]
    assert found[0] == found[1] is not None


def test_what_the_user_fixed_stays():
    ugly = Draft(
        "clip-gmm", 3, rationals("1/3", "1/5"), (rows("1 2", "0 3/7"), rows("1 1/2", "-1 4")), (), Fraction(1), 3
    )
    free = simplified("clip-inclusion-literal", replace(ugly, means=(rows("1 2 0", "0 3/7 0"), ugly.means[1])))
    assert free.components == 2
    fixed = simplified(
        "clip-inclusion-literal",
        replace(ugly, means=(rows("1 2 0", "0 3/7 0"), rows("1 1/2 1", "-1 4 0"))),
        Settings(components=3, dimension=3, named=("components", "dimension")),
    )
    assert (fixed.components, max(fixed.dimensions)) == (3, 3)


def test_simplest_is_the_simplest():
    for low, high in [("1/3", "1/2"), ("-7/5", "-4/3"), ("-1", "1"), ("314/100", "315/100"), ("5", "5")]:
        a, b = Fraction(low), Fraction(high)
        found = simplest(a, b)
        assert a <= found <= b
        assert not any(a <= Fraction(p, q) <= b for q in range(1, found.denominator) for p in range(-400, 400))
    assert [str(c) for c in convergents(Fraction(355, 113))] == ["3", "22/7", "355/113"]
    assert list(convergents(Fraction(-7, 3)))[-1] == Fraction(-7, 3)


# -- claims that are not the kernel's ---------------------------------------------------------------------------------


@pytest.fixture
def planted(monkeypatch):
    """A conjecture of the test's own: its margin in floats, and what decides it exactly."""

    def plant(measure, violated) -> None:
        def decide(claim, instance, measured):
            assert not measured  # nobody asks for the margin of a draft
            outcome = Outcome.REFUTED if violated(instance.shared) else Outcome.PROVED
            return Verdict(claim, outcome, ""), b"{}"

        def build(settings):
            return MixtureTarget("planted", settings, measure)

        settings = Settings(components=2, dimension=2, covariance="free")
        monkeypatch.setitem(conjectures.CONJECTURES, "planted", Conjecture("planted", "planted", settings, (), build))
        monkeypatch.setattr(drafts, "decide", decide)
        jobs._target.cache_clear()

    yield plant
    jobs._target.cache_clear()


def trace(matrix) -> Fraction:
    return sum((Fraction(int(matrix[i, i].p), int(matrix[i, i].q)) for i in range(matrix.nrows())), Fraction(0))


VARIANTS = {
    # J of the identity map is at most 2 tr S / tr Σ̄: false, the trace of a product is not bounded so.
    "an inequality the wrong way round": (
        lambda x: np.trace(x.S @ np.linalg.inv(x.sigma), axis1=1, axis2=2) - np.trace(x.S, axis1=1, axis2=2),
        lambda x: trace(x.S * x.sigma.inv()) > trace(x.S),
    ),
    # min over y of −2cy + y²r² is −c²/r²; with a factor ½ missing, −2cy + ½y²r², it would be −2c²/r².
    "a missing half": (
        lambda x: x.S[:, 0, 0] ** 2 / (x.sigma + x.S)[:, 0, 0] ** 2 - 1e-9,
        lambda x: x.S[0, 0] ** 2 / x.R[0, 0] ** 2 != 2 * x.S[0, 0] ** 2 / x.R[0, 0] ** 2,
    ),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_planted_error_is_found_and_made_small(variant, planted, tmp_path):
    planted(*VARIANTS[variant])
    for seed in range(5):
        result = hunted(tmp_path, plan("planted", seed=seed), 2000)
        assert result.simplest is not None
        assert result.simplest.draft.height <= 3


# -- whatever runs it -------------------------------------------------------------------------------------------------


def _pid_or_die(path: str) -> int:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return os.getpid()
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def test_a_worker_that_dies_is_survived(tmp_path):
    pool = Pool(2)
    try:
        results = run_all(pool, [(_pid_or_die, (str(tmp_path / f"first{i % 2}"),)) for i in range(6)])
    finally:
        pool.close()
    assert all(results)


@pytest.mark.parametrize("workers", [2, 3])
def test_the_same_islands_find_the_same_whoever_searches_them(workers, tmp_path, monkeypatch):
    monkeypatch.setattr("thmverify.hunting.run._SHORTEST", 0.05)
    the_plan = plan("infonce-equality", "weights=equal", "components=4", islands=3)
    hunted(tmp_path / "here", the_plan, 12_000)
    pool = Pool(workers)
    left = [1]

    def killing(_progress):
        if workers == 2 and left and left.pop():
            os.kill(next(iter(pool._pool._processes)), signal.SIGKILL)

    try:
        hunted(tmp_path / "pool", the_plan, 12_000, executor=pool, observe=killing)
    finally:
        pool.close()
    assert contents(tmp_path / "here", the_plan.id) == contents(tmp_path / "pool", the_plan.id)


class Forsaken(Here):
    """A scheduler that dies after a few jobs: those given to it then wait for ever, and a look at it says so."""

    def __init__(self, jobs: int) -> None:
        self.left = jobs

    def submit(self, function, *arguments):
        self.left -= 1
        return super().submit(function, *arguments) if self.left >= 0 else Future()

    def check(self) -> None:
        if self.left < 0:
            raise InputError("--scheduler", "tcp://x", "does not answer any more", "add --resume")


def test_when_the_scheduler_dies_the_hunt_ends_and_goes_on_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr("thmverify.hunting.run._PATIENCE", 0.01)
    monkeypatch.setattr("thmverify.hunting.run._SHORTEST", 0.05)
    the_plan = plan("infonce-equality", "weights=equal", "components=4", islands=2)
    hunted(tmp_path / "here", the_plan, 6_000)
    with pytest.raises(InputError, match="does not answer"):
        hunted(tmp_path / "cut", the_plan, 6_000, executor=Forsaken(2))
    assert generations(tmp_path / "cut", the_plan.id) >= 2
    hunted(tmp_path / "cut", the_plan, 6_000)
    assert contents(tmp_path / "here", the_plan.id) == contents(tmp_path / "cut", the_plan.id)


class Lossy(Here):
    """Workers of which every other one dies; all of them, if `always`."""

    def __init__(self, always: bool) -> None:
        self.count, self.always = 0, always

    def submit(self, function, *arguments):
        self.count += 1
        if self.always or self.count % 2:
            future = Future()
            future.set_exception(BrokenExecutor("a worker died"))
            return future
        return super().submit(function, *arguments)


def test_rounds_of_workers_that_die_are_done_again_a_few_times(tmp_path):
    the_plan = plan("infonce-equality", "weights=equal", "components=4", islands=2)
    hunted(tmp_path / "here", the_plan, 3_000)
    hunted(tmp_path / "lossy", the_plan, 3_000, executor=Lossy(False))
    assert contents(tmp_path / "here", the_plan.id) == contents(tmp_path / "lossy", the_plan.id)
    dying = Lossy(True)
    with pytest.raises(BrokenExecutor):
        hunted(tmp_path / "dead", the_plan, 3_000, executor=dying)
    assert dying.count <= 10


def test_a_saved_certificate_verifies_in_a_fresh_process(tmp_path):
    found = hunted(tmp_path, plan("infonce-top-r"), 2000).simplest
    assert found is not None
    path = tmp_path / "found.json"
    path.write_bytes(found.certificate)
    done = subprocess.run(
        [sys.executable, "-m", "thmverify.kernel", str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=SAFETY_NET,
    )
    assert done.stdout.splitlines()[-1] == "VERIFIED infonce-top-r: refuted for the instance given"


@pytest.mark.parametrize("name", [name for name in CONJECTURES if CONJECTURES[name].droppable])
def test_what_can_be_dropped_is_a_hypothesis_of_the_statement(name):
    from thmverify.theorems import REGISTRY

    statement = REGISTRY[name]
    stated = {h.name for h in (*statement.hypotheses, *statement.redundant)}
    assert set(CONJECTURES[name].droppable) <= stated
