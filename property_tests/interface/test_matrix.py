"""The guarantee matrix: a cell is what the checks say of its statement, and changes with it."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from sympy import Symbol

from property_tests.interface.test_documents import MATRIX, shows_what_is_printed
from property_tests.scripts import with_script
from thmverify.cli import main
from thmverify.evidence import Break, ByKernel, Counterexample
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import ENOUGH_COLUMNS, Hypothesis
from thmverify.matrix import Matrix
from thmverify.sampling import random_instance
from thmverify.standing import Standing
from thmverify.statement import prepare
from thmverify.theorems import COUNTEREXAMPLES, REGISTRY
from thmverify.theorems.infonce.infonce_equality_equal_weights import STATEMENT as EQUAL_WEIGHTS
from thmverify.theorems.infonce.infonce_inclusion import STATEMENT
from thmverify.verdicts import Outcome, Status, Verdict

INCLUSION = (Guarantee("infonce", Column.INCLUSION),)
EXAMPLE = Counterexample(COUNTEREXAMPLES / "infonce-equality.json", "tempting", "catch", "repaired")
PROVED = replace(REGISTRY[STATEMENT.id], guarantees=INCLUSION, breaks=())
OPEN = replace(PROVED, id="open", status=Status.OPEN, proof=None, evidence=("nothing was found",))
REFUTED = replace(
    OPEN, id="refuted", status=Status.REFUTED, claim="infonce-equality", counterexamples=(EXAMPLE,), evidence=()
)
CENTRED = Hypothesis("centred", Symbol("c"), "The mixture is centred.")


def cell(column, *statements):
    return Matrix({s.id: s for s in statements}).cell("infonce", column)


def standing(*statements, column=Column.INCLUSION):
    return cell(column, *statements).standing


# --- a cell is computed --------------------------------------------------------------------------------------------


def test_checked_statements_stand_as_recorded():
    assert [standing(s) for s in (PROVED, OPEN, REFUTED)] == [Standing.PROVED, Standing.OPEN, Standing.REFUTED]
    assert standing(replace(PROVED, guarantees=())) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda: replace(PROVED, proof=None),
        lambda: replace(PROVED, status=Status.OPEN),
        lambda: replace(PROVED, status=Status.REFUTED),
        lambda: with_script(PROVED, "forged"),
        lambda: with_script(PROVED, "raising"),
        lambda: replace(with_script(PROVED, "sound"), id="another"),
        lambda: replace(with_script(PROVED, "sound"), formal=PROVED.formal),
        lambda: replace(PROVED, formal=replace(PROVED.formal, definitions=())),
        lambda: replace(PROVED, hypotheses=PROVED.hypotheses[1:]),
        lambda: replace(OPEN, status=Status.PROVED),
        lambda: replace(OPEN, status=Status.REFUTED),
        lambda: replace(REFUTED, status=Status.OPEN),
        lambda: replace(REFUTED, counterexamples=(replace(EXAMPLE, evidence=COUNTEREXAMPLES / "pca-equality.json"),)),
        lambda: replace(REFUTED, counterexamples=(replace(EXAMPLE, evidence=COUNTEREXAMPLES / "missing.json"),)),
        lambda: replace(
            REFUTED, hypotheses=(*REFUTED.hypotheses, replace(ENOUGH_COLUMNS, name="no", formula=Symbol("d") < 0))
        ),
        lambda: replace(PROVED, counterexamples=(EXAMPLE,), claim="infonce-equality"),
    ],
)
def test_a_record_that_the_checks_do_not_bear_out_fails(change):
    changed = change()
    try:
        assert standing(changed) is Standing.FAILED
    except TypeError:  # a hypothesis over an unknown symbol cannot be decided: nothing stands on it
        assert changed.hypotheses[-1].name == "no"


def test_a_forged_certificate_changes_the_cell(tmp_path):
    data = json.loads((COUNTEREXAMPLES / "infonce-equality.json").read_text())
    data["instance"]["weights"] = ["1/3", "1/3", "1/3"]
    (tmp_path / "forged.json").write_text(json.dumps(data))
    forged = replace(REFUTED, counterexamples=(replace(EXAMPLE, evidence=tmp_path / "forged.json"),))
    assert standing(REFUTED) is Standing.REFUTED
    assert standing(forged) is Standing.FAILED


def test_an_assumed_step_is_conditional():
    assert standing(with_script(PROVED, "conditional")) is Standing.CONDITIONAL
    assert standing(with_script(PROVED, "sound")) is Standing.PROVED


def test_two_claims_of_one_cell_are_refused():
    with pytest.raises(ValueError, match="both the claim"):
        Matrix({"a": PROVED, "b": replace(PROVED, id="b")})


def test_special_cases_show_beside_what_is_not_proved():
    special = replace(with_script(PROVED, "sound"), guarantees=(), special_case_of="refuted")
    assert cell(Column.INCLUSION, REFUTED, special).special == (special.id,)
    assert cell(Column.INCLUSION, REFUTED, replace(special, proof=None)).special == ()
    elsewhere = replace(special, guarantees=(Guarantee("infonce", Column.TOP_R),))
    assert cell(Column.INCLUSION, REFUTED, elsewhere).special == ()
    assert cell(Column.TOP_R, REFUTED, elsewhere).standing is None
    of_proved = replace(special, special_case_of=PROVED.id)
    assert cell(Column.INCLUSION, PROVED, of_proved).special == ()


def test_hunted_special_cases_show_beside_what_is_not_proved():
    open_, refuted = EQUAL_WEIGHTS, REGISTRY[EQUAL_WEIGHTS.special_case_of]

    def found(*statements):
        return Matrix({s.id: s for s in statements}).cell("infonce", Column.EQUALITY)

    assert (found(refuted, open_).special, found(refuted, open_).hunted) == ((), (open_.id,))
    assert found(refuted, replace(open_, hunts=())).hunted == ()
    general = replace(PROVED, guarantees=refuted.guarantees)
    assert found(general, replace(open_, special_case_of=general.id)).hunted == ()


def test_commands_name_the_certificate():
    assert cell(Column.INCLUSION, REFUTED).commands == (
        "thmverify check infonce-equality",
        "thmverify verify refuted",
    )


# --- columns that drop a hypothesis --------------------------------------------------------------------------------


def supposing(statement, *hypotheses):
    return replace(statement, hypotheses=(*statement.hypotheses, *hypotheses))


@pytest.mark.parametrize("column", [Column.COLUMNS, Column.ANY_RANK, Column.UNCENTRED])
@pytest.mark.parametrize("base", [PROVED, OPEN, REFUTED], ids=lambda s: s.status)
def test_what_is_not_supposed_is_not_needed(column, base):
    assert standing(base, column=column) is standing(base)


def test_a_hypothesis_that_the_proof_does_not_use_is_not_needed():
    base = replace(PROVED, redundant=())
    assert standing(supposing(base, ENOUGH_COLUMNS), column=Column.COLUMNS) is Standing.PROVED
    assert standing(supposing(PROVED, CENTRED), column=Column.UNCENTRED) is Standing.PROVED
    assert standing(supposing(OPEN, ENOUGH_COLUMNS), column=Column.COLUMNS) is Standing.OPEN


def test_a_hypothesis_that_the_proof_uses_is_open_until_an_instance_shows_it():
    def refute(_instance):
        return Verdict("claim", Outcome.REFUTED, "refuted exactly")

    assert standing(PROVED, column=Column.SEPARATE) is Standing.OPEN
    apart = random_instance(random.Random(5), shared=False)
    shown = replace(PROVED, breaks=(Break("shared-covariance", apart, refute),))
    assert standing(shown, column=Column.SEPARATE) is Standing.REFUTED


def test_an_instance_that_breaks_a_hypothesis_alone_refutes_the_claim_without_it():
    def refute(_instance):
        return Verdict("claim", Outcome.REFUTED, "refuted exactly")

    wide = replace(ENOUGH_COLUMNS, constitutive=False)
    instance = replace(STATEMENT.witness, rank=1)  # fewer columns than components
    base = supposing(OPEN, wide)
    broken = replace(base, breaks=(Break(wide.name, instance, refute),))
    assert standing(base, column=Column.COLUMNS) is Standing.OPEN
    assert standing(broken, column=Column.COLUMNS) is Standing.REFUTED
    assert standing(broken, column=Column.ANY_RANK) is Standing.REFUTED
    kept = replace(broken, breaks=(Break(wide.name, replace(instance, rank=5), refute),))
    assert standing(kept, column=Column.COLUMNS) is Standing.OPEN
    undecided = replace(broken, breaks=(Break(wide.name, instance, ByKernel("infonce-inclusion")),))
    assert standing(undecided, column=Column.COLUMNS) is Standing.OPEN


def test_a_model_with_one_covariance_says_nothing_of_several():
    without = replace(OPEN, hypotheses=tuple(h for h in OPEN.hypotheses if h.name != "shared-covariance"))
    assert standing(without, column=Column.SEPARATE) is None
    assert standing(REFUTED, column=Column.SEPARATE) is Standing.REFUTED


# --- the command ---------------------------------------------------------------------------------------------------


def test_every_cell_of_the_registry_is_confirmed():
    prepare(REGISTRY.values())
    assert [c for c in Matrix(REGISTRY).cells if c.standing is Standing.FAILED] == []


def test_the_page_shows_what_is_printed(monkeypatch, tmp_path):
    shows_what_is_printed(MATRIX, monkeypatch, tmp_path)


def test_json_holds_every_cell(capsys):
    assert main(["matrix", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert len(printed["cells"]) == len(printed["losses"]) * len(Column)
    (inclusion,) = (c for c in printed["cells"] if (c["loss"], c["column"]) == ("infonce", Column.INCLUSION.value))
    assert inclusion["standing"] == "proved"
    assert inclusion["commands"] == ["thmverify verify infonce-inclusion"]


@pytest.mark.parametrize("width", [80, 160])
def test_it_fits_the_terminal(width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["matrix"]) == 0
    table, _, _ = capsys.readouterr().out.partition("Checked again by")
    assert max(map(len, table.splitlines())) <= width
    assert "✓ proved" in table
    for column in Column:
        assert column.value.partition(" for ")[0] in table  # what follows may stand on the next line


def test_a_row_explains_itself(capsys):
    assert main(["matrix", "infonce"]) == 0
    assert "$ thmverify verify infonce-inclusion" in capsys.readouterr().out


def test_an_unknown_loss_is_refused(capsys):
    assert main(["matrix", "hinge"]) == 2
    assert "did you mean whitening or infonce?" in capsys.readouterr().err
