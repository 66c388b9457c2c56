"""The records behind a report: what `report.json` holds, and all that `index.html` and `report.md` show.

A page is a function of these records alone. Whatever changes from run to run, the time and the timings, is in
`Generated` and nowhere else. Rationals are text ("93/100"), read exactly.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from thmverify.evidence import Need
from thmverify.reports.base import Formula, InstanceJson, Record
from thmverify.reports.effort import Effort
from thmverify.reports.figures.records import Figure, Growth, Scene
from thmverify.verdicts import Provenance, Standing


class Source(Record):
    """Where the statement comes from: citation, its numbers there, and a note when the wording is ours."""

    text: str
    label: str
    note: str


class Hypothesis(Record):
    """A named hypothesis: formula, meaning, and whether the statement needs it and how that is known.

    One that is not `stated` stands in the source and not in the statement proved here.
    """

    name: str
    formula: Formula
    meaning: str
    stated: bool
    need: Need
    reason: str


class Named(Record):
    """A formula with its name: a hypothesis of a theorem, a definition, or a step that is assumed."""

    name: str
    formula: Formula


class Supposed(Named):
    """A hypothesis of a theorem, and whether its proof uses it."""

    used: bool


class Step(Record):
    """One step of a proof that a reader is shown: its sentence, the formula that the kernel derived, and how.

    `lines` counts the lines of the trace that it takes beyond its premises, and `rules` are the primitive rules that
    they use; `rule` is that of the last one. `true_on` counts the random instances of what it supposes on which it was
    found true, in floating point: 0 when none was met on which it could be told, null when none was looked for.
    """

    name: str
    sentence: str
    formula: Formula
    premises: tuple[str, ...]
    rule: str
    rules: tuple[str, ...]
    lines: int
    true_on: int | None = None


class Proof(Record):
    """A theorem as the kernel states it once it has replayed the proof's trace.

    `passed` says that the trace replays and that its theorem is the one on record; `reason` says what the kernel found,
    or why it is not. `letters` is what the theorem is quantified over; `parts` are the formulas that its conclusion,
    the text `conclusion`, joins. `assumed` are steps that are supposed and not derived: the theorem is conditional on
    them. `classical` are theorems of mathematics taken by name, `cited` statements whose theorems are derived on the
    way. `lines` counts the lines of the trace, and `rules` how often each primitive rule is used in them.
    """

    script: str
    passed: bool
    reason: str
    letters: Formula
    hypotheses: tuple[Supposed, ...]
    parts: tuple[Formula, ...]
    conclusion: str
    assumed: tuple[Named, ...]
    classical: tuple[str, ...]
    cited: tuple[str, ...]
    definitions: tuple[Named, ...]
    steps: tuple[Step, ...]
    lines: int
    rules: dict[str, int]


class Margin(Record):
    """The worst margin met: negative or zero, the claim holds there; positive, it is violated."""

    value: str
    provenance: Provenance
    index: int
    instance: InstanceJson


class Bin(Record):
    """How many margins m lie in [lower, upper); the ends are decimal text."""

    lower: str
    upper: str
    count: int


class Verification(Record):
    """Randomised verification: every accepted instance satisfies all hypotheses, decided exactly."""

    seed: int
    requested: int
    accepted: int
    discarded: int
    outcomes: dict[str, int]
    worst: Margin | None
    histogram: tuple[Bin, ...]


class Command(Record):
    """A command line and what it shows."""

    purpose: str
    line: str


class Counterexample(Record):
    """An instance that refutes a statement: the argument that tempts, the catch, and what is true instead.

    `verdict` is what the check of this run said of it. `certificate` is the text of the file at `file`, both empty
    where rational arithmetic on the instance decides. `near` is what the kernel verifies of all instances near it, and
    `near_command` how; both are empty where nothing is known of them.
    """

    name: str
    tempting: str
    catch: str
    repaired: str
    verdict: str
    refutes: bool
    file: str
    certificate: str
    near: str
    near_command: str
    instance: InstanceJson | None
    command: str
    scenes: tuple[Scene, ...]


class Hunt(Record):
    """A hunt on record: which hypotheses it went without, where it searched, and what it came to.

    `best_margin` is floating point; `certified` counts the certificates it found.
    """

    id: str
    without: tuple[str, ...]
    components: int
    dimension: int
    delta: str
    anywhere: bool
    seed: int
    evaluations: int
    best_margin: str
    certified: int


class Cover(Record):
    """A cover that proves a statement: what the kernel's claim says, what it found, and the picture as a data URI."""

    claim: str
    passed: bool
    reason: str
    boxes: int
    certificate: str
    picture: str


class Chart(Record):
    """A certified map of a statement's claim: what it shows, what the kernel said, and the picture as a data URI."""

    caption: str
    passed: bool
    reason: str
    certificate: str
    picture: str


class Artefact(Record):
    """A theorem in Coq about a statement: what it covers and supposes, and the axioms that Coq printed, in one line."""

    theorem: str
    covers: str
    supposes: str
    axioms: str
    command: str


class Statement(Record):
    """Everything the report says about one statement."""

    id: str
    title: str
    family: str
    recorded: str
    standing: Standing
    reason: str
    source: Source
    claim: str
    quantity: Formula
    conclusion: Formula
    hypotheses: tuple[Hypothesis, ...]
    proof: Proof | None
    cover: Cover | None
    charts: tuple[Chart, ...]
    verification: Verification
    counterexamples: tuple[Counterexample, ...]
    evidence: tuple[str, ...]
    evaluations: int
    hunts: tuple[Hunt, ...]
    special_case_of: str
    guarantees: tuple[str, ...]
    commands: tuple[Command, ...]
    coq: tuple[Artefact, ...] = ()


class SpecialCase(Record):
    """A special case that is proved beside a claim that is not."""

    id: str
    title: str


class HuntedCase(SpecialCase):
    """A special case that is open: on how many instances a counterexample to it was hunted for."""

    evaluations: int


class Cell(Record):
    """One cell of the guarantee matrix; `standing` is null where no statement is its claim.

    `coq` says whether Coq has checked a theorem about its statement.
    """

    loss: str
    column: str
    standing: Standing | None
    statement: str
    reason: str
    commands: tuple[str, ...]
    special: tuple[SpecialCase, ...]
    hunted: tuple[HuntedCase, ...]
    coq: bool = False


class Row(Record):
    """A row of the matrix: a loss and its cells, in the order of the columns."""

    loss: str
    title: str
    cells: tuple[Cell, ...]


class Matrix(Record):
    """The guarantee matrix, computed in this run."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


class Level(StrEnum):
    """How far a statement is formalised."""

    DEFINITION = "definition"
    PROOF = "proof"
    KERNEL = "kernel"
    FORMULA = "formula"


class Node(Record):
    """A definition or statement in the dependency graph; `standing` is null for a definition."""

    id: str
    title: str
    family: str
    kind: Literal["definition", "lemma", "theorem", "conjecture"]
    level: Level
    standing: Standing | None
    special: bool
    note: str


class Edge(Record):
    """An arrow from what is used to what uses it."""

    source: str
    target: str
    kind: Literal["defines", "cites", "special case"]


class Graph(Record):
    """Which statement rests on which."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


class Comparison(Record):
    """One integral three ways: Gauss–Hermite, the float engine, and a ball that contains it; errors are relative."""

    separation: str
    hermite: str
    hermite_error: str
    float64: str
    float64_error: str
    lower: str
    upper: str


class SourceFile(Record):
    """A source file of the kernel, and its lines: all of them, and those that hold code."""

    file: str
    lines: int
    code: int


class Mutations(Record):
    """What became of changed certificates of one kind: `tried` and `refused`; the others verify the same verdict."""

    kind: str
    tried: int
    refused: int


class ProofMutations(Record):
    """What became of changed traces of one kind, their content hash computed anew: `tried`, and `refused`.

    The others replay: to `another` theorem, which is not the one on record, or to the `same` in another way.
    """

    kind: str
    tried: int
    refused: int
    another: int
    same: int


class Rule(Record):
    """A primitive rule of the proof kernel, and how many lines of the traces in this report it derives.

    `classical` is the name of the theorem that it takes as known, if it does; `proofs` counts the proofs that use it.
    """

    name: str
    meaning: str
    classical: str
    lines: int
    proofs: int


class Trust(Record):
    """What a reader has to trust, and how hard it was tried to fool it; `traces` counts the proofs changed."""

    nodes: int
    comparisons: tuple[Comparison, ...]
    kernel: tuple[SourceFile, ...]
    certificates: int
    mutations: tuple[Mutations, ...]
    traces: int
    proof_mutations: tuple[ProofMutations, ...]
    rules: tuple[Rule, ...]
    base: tuple[str, ...]


class Clause(Record):
    """A sentence of a finding and the statements that it rests on; no text where they do not bear it out."""

    text: str
    statements: tuple[str, ...]


class Finding(Record):
    """What was found, for people: a headline, its clauses, and the statement whose picture shows it, if any."""

    title: str
    clauses: tuple[Clause, ...]
    picture: str

    @property
    def borne_out(self) -> bool:
        """Whether every clause has something to say."""
        return all(clause.text for clause in self.clauses)


class Settings(Record):
    """What the run was asked for; the number of processes is left out because nothing depends on it."""

    effort: Effort
    seed: int
    instances: int
    only: tuple[str, ...] = ()


class Environment(Record):
    """Software and machine; a report made elsewhere may differ here and in floating digits only."""

    thmverify: str
    python: str
    platform: str
    packages: dict[str, str]


class Generated(Record):
    """All that differs between two runs with the same seed: when, and how long each stage took in seconds."""

    at: str
    seconds: dict[str, float]


class Report(Record):
    """A whole report."""

    format: Literal["thmverify-report/4"] = "thmverify-report/4"
    title: str
    about: str
    settings: Settings
    findings: tuple[Finding, ...]
    numbers: tuple[str, ...]
    matrix: Matrix
    graph: Graph
    statements: tuple[Statement, ...]
    figures: tuple[Figure, ...]
    costs: Growth | None = None
    trust: Trust
    environment: Environment
    generated: Generated


def schema() -> dict[str, Any]:
    """Return the JSON Schema of `report.json`, published in `reports/schemas/report.schema.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Report.model_json_schema()}
