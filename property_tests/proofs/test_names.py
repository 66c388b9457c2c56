"""The names of proofs: each has a row that is complete, one meaning, and that of the theorems on record."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

from thmverify import formulas, theorems
from thmverify.formulas.mixtures import Mixture, OfMixture
from thmverify.formulas.names import Name, named
from thmverify.kernel.proofs.terms import SIZE, Term, make, replace
from thmverify.proofs.expressions import Expr, Real, num, var
from thmverify.proofs.script import Script

NAMES = formulas.names()
MODULES = [importlib.import_module(f"thmverify.formulas.{m.name}") for m in pkgutil.iter_modules(formulas.__path__)]
RECORD = json.loads((Path(theorems.__file__).parent / "formal.json").read_text(encoding="utf-8"))
OF_SCRIPTS = {"Potential", "Gain", "NoiseBlock", "MeanBlock"}  # what a lemma names for itself
each_name = pytest.mark.parametrize("name", sorted(NAMES))


def setting(record: Name, script: Script) -> Any:
    """What the name is written in, at its own letters."""
    owner, _, _ = record.meaning.__qualname__.rpartition(".")
    first = next(iter(inspect.signature(record.meaning).parameters.values()))
    kind = getattr(importlib.import_module(record.meaning.__module__), owner or str(first.annotation), Script)
    if kind is Script:
        return script
    return kind(Mixture(script)) if issubclass(kind, OfMixture) else kind(script)


def defined(record: Name, script: Script) -> Term:
    """The name at its own letters, defined in the script."""
    return record.write(setting(record, script), record.given).term


@each_name
def test_a_row_is_complete(name):
    record, script = NAMES[name], Script("names")
    whole = defined(record, script)
    definition = script.theory.definitions[name]
    assert whole.args[1:] == definition.parameters == tuple(x.term for x in record.letters)
    assert definition.body.free <= set(definition.parameters)
    assert re.fullmatch(r"[A-Z]\w+", name)
    assert len(record.says) > 5
    assert record.says.endswith(".") or ": " in record.says


@each_name
def test_a_name_is_written_at_what_is_given(name):
    """With what is given renamed, and the sizes that nothing else has: these are read off the new sorts."""
    record, script = NAMES[name], Script("names")
    whole, given = defined(record, script), [x.term for x in record.given]
    held = frozenset().union(*(x.term.free for x in record.letters if x.term not in given and x.sort is not SIZE))
    held |= {x.term for x in getattr(setting(record, script), "values", {})}
    sizes = frozenset().union(*(x.sort.free for x in record.given)) - held
    renamed = {x: make("var", f"{x.val}_", x.sort) for x in {*sizes, *(x for x in given if x.sort is SIZE)}}
    for x in given:
        changed = {k: v for k, v in renamed.items() if k in x.sort.free}
        renamed.setdefault(x, make("var", f"{x.val}_", replace(x.sort, changed)))
    other = record.write(setting(record, script), [Expr(renamed[x]) for x in given]).term
    assert other.args[1:] == tuple(renamed.get(x, x) for x in whole.args[1:])


def test_each_name_is_defined_in_one_place():
    for module in MODULES:
        found = re.findall(r"\.define\(", inspect.getsource(module))
        assert len(found) == (1 if module.__name__.endswith(".names") else 0), module.__name__


def test_the_theorems_on_record_speak_of_the_names_in_the_table():
    script, own = Script("names"), set()
    for entry in RECORD.values():
        for name, formula in entry["definitions"].items():
            if name in NAMES:
                defined(NAMES[name], script)
                assert repr(script.theory.definitions[name].body) == formula, name
            else:
                own.add(name)
    assert own == OF_SCRIPTS


def test_a_name_has_one_meaning_and_says_what_it_is():
    x = var("x", Real)
    with pytest.raises(ValueError, match="WithinFisher has two definitions"):

        @named("WithinFisher", (x,), x)
        def again(_: Script, x: Expr) -> Expr:
            """Something else."""
            return x + num(1)

    with pytest.raises(ValueError, match="one without a docstring"):
        named("Nothing", (x,), x)(lambda _, x: x + num(1))
    assert "Nothing" not in NAMES
