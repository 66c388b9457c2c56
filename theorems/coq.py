"""What of the statements is a theorem in Coq: the table, and the record that a run of Coq leaves.

`python -m thmverify.theorems.coq` has Coq check each theorem of the table that is not on record as its sources are, and
writes the record, `theorems/formal/checked.json`: the axioms that Coq printed, and the hash of what it read.
`thmverify.artefacts` reads it. Run it after a change of a source; until then the theorem has no mark.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from thmverify.artefacts import Artefact, current, options, roots, write
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
    Artefact(
        "fisher-optimality",
        "fisher_optimality",
        "exact/Fisher.v",
        covers="For every d, r and K, every Σ ≻ 0 and all weights w_k > 0: J(A) ≤ tr(Σ⁻¹S) where AᵀΣA is invertible, "
        "with equality exactly when every Σ⁻¹μ_k is in Col(A).",
    ),
    Artefact(
        "population-graph-equivalence",
        "graph_equivalence",
        "exact/Graphs.v",
        covers="For every finite graph and every number of features: the difference of the two losses does not depend "
        "on f. What their minimisers are is not covered.",
    ),
    Artefact(
        "pca-equality",
        "pca_equality_fails",
        "cases/Pca.v",
        covers="For the instance of the counterexample: no maximiser A of tr(AᵀRA) among the matrices with AᵀA = I has "
        "Col(A) = S_F.",
        certificate="../counterexamples/pca-equality.json",
    ),
    Artefact(
        "clip-inclusion-literal",
        "clip_literal_fails",
        "cases/Clip.v",
        covers="For the instance of the counterexample, and whatever the expectations are: if the loss that is written "
        "down has a minimiser, it has one with Col(A_V) ⊄ S_{V,F} or Col(A_T) ⊄ S_{T,F}.",
        supposes="A minimiser exists.",
        certificate="../counterexamples/clip-inclusion-literal.json",
    ),
    Artefact(
        "spectral-equality",
        "learns_exactly",
        "exact/Spectral.v",
        covers="For every d, r and m ≤ r: given R = Σ_k q_k c_k c_kᵀ with q_k > 0 and c_k that span, and C = Σ_s D_s "
        "(RX_s)(RX_s)ᵀ with D_s > 0 and m independent X_s, the column space of every minimiser is the span of the X_s.",
        supposes="The expectations are taken: the loss is the polynomial in R and C.",
    ),
    Artefact(
        "spectral-equality",
        "spectral_equality_holds",
        "cases/Spectral.v",
        covers="For one instance, three components in three dimensions, r = 2 and δ = 7/10: minimisers exist, and the "
        "column space of each is S_F.",
        supposes="The expectations are taken: the loss is the polynomial in R and C.",
        certificate="cases/spectral-equality.json",
    ),
)


_PRINTED = re.compile(  # the heading of the axioms, or a name with its type
    r"^(?:(?P<heading>Axioms:|Closed under the global context)$|(?P<name>[A-Za-z_][\w.']*)\s+:\s)",
    re.MULTILINE,
)


def assumptions(printed: str) -> dict[str, tuple[str, ...]]:
    """Return the axioms of each theorem that make printed, sorted.

    `Check` prints the theorem's name at the beginning of a line, and its type; `Print Assumptions` a heading, and so
    each axiom. So a name before a heading is a theorem, and any other after one an axiom, such as an admitted lemma.

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
    theorem = ""
    matches = [*_PRINTED.finditer(printed)]
    for match, following in zip_longest(matches, matches[1:]):
        if match["heading"]:
            found[theorem] = set()
        elif following is not None and following["heading"]:
            theorem = match["name"]
        elif theorem in found:
            found[theorem].add(match["name"])
    return {name: tuple(sorted(axioms)) for name, axioms in found.items()}


def checked(artefact: Artefact) -> Artefact:
    """Have Coq compile a theorem with all that it requires, and return it with the axioms that Coq prints.

    Raises OSError or CalledProcessError when Coq is not there or does not take it.
    """
    module = Path(artefact.file)
    subprocess.run(["make", "-C", str(FORMAL), str(module.with_suffix(".vo"))], stdout=sys.stderr, check=True)
    flags = options(FORMAL, artefact.file)
    (root,) = (name for name, path in roots(flags).items() if path == module.parent.name)
    lines = (
        f"From {root} Require Import {module.stem}.",
        f"Check {artefact.theorem}.",
        f"Print Assumptions {artefact.theorem}.",
    )
    with TemporaryDirectory() as folder:
        asking = Path(folder) / "Printed.v"
        asking.write_text("\n".join(lines) + "\n", encoding="utf-8")
        printed = subprocess.run(
            ["coqc", *flags.split(), asking], cwd=FORMAL, stdout=subprocess.PIPE, text=True, check=True
        )
    (axioms,) = assumptions(printed.stdout).values()
    return replace(artefact, assumptions=axioms)


def main() -> None:
    """Have Coq check what is not on record as it is, and write the record."""
    version = subprocess.run(["coqc", "--print-version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[
        0
    ]
    known = {(a.statement, a.theorem): a for a in current(CHECKED)} if CHECKED.is_file() else {}
    for artefact in ARTEFACTS:
        key = artefact.statement, artefact.theorem
        before = known.get(key)
        known[key] = checked(artefact) if before is None else replace(artefact, assumptions=before.assumptions)
    write(CHECKED, version, tuple(known[a.statement, a.theorem] for a in ARTEFACTS))
    sys.stdout.write(f"Coq {version}: {len(ARTEFACTS)} theorems, {CHECKED.name}\n")


if __name__ == "__main__":
    main()
