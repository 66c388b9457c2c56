"""What of the statements is a theorem in Coq: the table, and the record that a run of Coq leaves.

`python -m thmverify.theorems.coq` compiles `theorems/formal/` and writes `checked.json` there: of each theorem of the
table the axioms that Coq printed, and the hash of what it read. `thmverify.artefacts` reads it. Run it after a change
of a source; until then the theorem has no mark.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from thmverify.artefacts import Artefact, write
from thmverify.theorems import CHECKED, FORMAL

_LAW = (
    "E is the expectation of the items of a state in the properties of the record law: a mean on a class of functions "
    "that contains those at hand; no point without mass; the parts across, x − Px, are centred, independent of the "
    "parts Px and uncorrelated between items."
)

ARTEFACTS = (
    Artefact(
        "infonce-equality",
        "infonce_equality_fails",
        "instance/Refuted.v",
        covers="For the mixture of the first counterexample, r = 3 and δ = 1: maps with the least InfoNCE loss exist, "
        "and the column space of each is a proper subspace of S_F. The loss is the one that is written down, with "
        "iterated expectations: integrals over the plane against the density of N(μ, Σ).",
        certificate="../counterexamples/infonce-equality.json",
    ),
    Artefact(
        "infonce-inclusion",
        "population_minimiser_within",
        "theory/Population.v",
        covers="For every dimension, number of columns, number of components and pairing of their positives: a "
        "minimiser of the population loss has its columns in S_F.",
        supposes=f"{_LAW} S_F is the range of Pᵀ.",
    ),
    Artefact(
        "convex-scores-inclusion",
        "minimiser_within",
        "theory/Scores.v",
        covers="For every dimension, number of columns and law of the states: if the functions of the scores are "
        "convex, and one bends in the scores of one item, a minimiser has its columns in S_F.",
        supposes=f"{_LAW} S_F is the range of Pᵀ.",
    ),
    Artefact(
        "infonce-finite-inclusion",
        "negatives_minimiser_within",
        "theory/Scores.v",
        covers="For every dimension, number of columns, law of the states and N ≥ 1: cut to S_F a map has no larger "
        "loss, and a minimiser has its columns in S_F.",
        supposes=f"{_LAW} S_F is the range of Pᵀ.",
    ),
)


def compiled(folder: Path, *options: str) -> str:
    """Compile a folder of sources and return what make printed. Raises OSError or CalledProcessError when it fails."""
    make = ["make", "-C", str(folder), *options]
    return subprocess.run(make, stdout=subprocess.PIPE, text=True, check=True).stdout


def assumptions(printed: str) -> dict[str, tuple[str, ...]]:
    """Return the axioms of each theorem that make printed, sorted.

    `Check` prints the theorem's name alone on a line before its type; `Print Assumptions` a heading, and each axiom at
    the beginning of a line.

    >>> assumptions('''one
    ...      : forall x : R, x = x
    ... Axioms:
    ... Classical_Prop.classic : forall P : Prop, P
    ... two
    ...      : 1 = 1
    ... Closed under the global context''')
    {'one': ('Classical_Prop.classic',), 'two': ()}
    """
    found: dict[str, set[str]] = {}
    theorem, listing = "", False
    for line in printed.splitlines():
        if re.fullmatch(r"[a-z]\w*", line):
            theorem, listing = line, False
        elif line in ("Axioms:", "Closed under the global context"):
            listing, found[theorem] = True, set()
        elif listing and (name := re.match(r"([A-Z][\w.]*)(?: :|$)", line)):
            found[theorem].add(name[1])
    return {name: tuple(sorted(axioms)) for name, axioms in found.items()}


def seen(artefacts: Iterable[Artefact], printed: str) -> tuple[Artefact, ...]:
    """Return the artefacts with the axioms that were printed. Raises KeyError for one that was not printed."""
    found = assumptions(printed)
    return tuple(replace(artefact, assumptions=found[artefact.theorem]) for artefact in artefacts)


def main() -> None:
    """Have Coq check everything, and write the record."""
    version = subprocess.run(["coqc", "--print-version"], capture_output=True, text=True, check=True).stdout.split()[0]
    write(CHECKED, version, seen(ARTEFACTS, compiled(FORMAL)))
    sys.stdout.write(f"Coq {version}: {len(ARTEFACTS)} theorems, {CHECKED.name}\n")


if __name__ == "__main__":
    main()
