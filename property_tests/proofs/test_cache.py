"""What scripts propose is kept between runs: as a proposal, never as a verdict, and only while the sources stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from thmverify.proofs import cache, checking
from thmverify.proofs.checking import Proof

MODULE = "thmverify.theorems.pca.pca_spherical_proof"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    monkeypatch.setattr(checking, "_PROPOSED", {})
    monkeypatch.setattr(checking, "_CHECKED", {})
    return tmp_path


def the_file(folder: Path) -> Path:
    (file,) = folder.rglob("*.json")
    return file


def again() -> checking.ProofReport:
    """Check the proof as a new process does."""
    checking._PROPOSED.clear()
    checking._CHECKED.clear()
    return checking.check(Proof(MODULE))


def test_a_kept_proposal_saves_the_script_and_not_the_kernel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = checking.check(Proof(MODULE))
    assert first.passed
    assert the_file(folder).name == f"{MODULE}.json"
    monkeypatch.setattr(checking, "_run_anew", lambda modules: pytest.fail(f"{modules} run again"))
    assert again() == first
    monkeypatch.setattr(checking, "replay", lambda trace: pytest.fail("the kernel replays every trace"))
    with pytest.raises(pytest.fail.Exception, match="the kernel replays"):
        again()


def test_a_forged_trace_in_the_folder_is_refused_by_the_kernel(folder: Path) -> None:
    assert checking.check(Proof(MODULE)).passed
    file = the_file(folder)
    proposal = json.loads(file.read_text().split("\n", 1)[1])
    proposal["trace"]["conclusion"] -= 1
    text = json.dumps(proposal)
    file.write_text(f"{cache._hash(text)}\n{text}")
    assert not again().passed


@pytest.mark.parametrize("damage", ["", "no line", "{}\n{}", "\n", "\0"])
def test_a_damaged_file_is_made_again(folder: Path, damage: str) -> None:
    first = checking.check(Proof(MODULE))
    the_file(folder).write_text(damage)
    assert again() == first
    assert cache.kept(MODULE) is not None


def test_other_sources_keep_apart_and_the_oldest_are_forgotten(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in range(10):
        monkeypatch.setattr(cache, "_sources", lambda version=version: f"sources-{version}")
        assert cache.kept(MODULE) is None
        cache.keep(MODULE, {"trace": {}, "steps": [], "cited": []})
    assert len([*(folder / "proposals").iterdir()]) == cache._VERSIONS


def test_nothing_is_kept_of_other_packages_of_failures_or_when_told_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.keep("own.proof", {"trace": {}})
    cache.keep(MODULE, {"failure": "the script fails"})
    monkeypatch.setenv(cache.VARIABLE, "off")
    cache.keep(MODULE, {"trace": {}})
    assert [*folder.rglob("*")] == []


def test_a_folder_that_cannot_be_written_disturbs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file"))
    assert checking.check(Proof(MODULE)).passed
