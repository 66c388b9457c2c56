"""The second, different check of a proof: its lines, evaluated on random instances that satisfy their hypotheses.

A line Γ ⊢ φ that is false on an instance of Γ, by much more than the estimated numerical error, refutes the proof, and
with it some rule of the kernel. That none is false says nothing: proofs are accepted by replay alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thmverify.kernel.proofs import replay
from thmverify.kernel.proofs.rules import Definition, Theorem
from thmverify.kernel.proofs.terms import Term, instantiate, make
from thmverify.kernel.strict import Rejected
from thmverify.proofs.instances import Builder, Choice, Model
from thmverify.proofs.numeric import FALSE, WORK, YES, Num, Table, Unclear, Value, unfolded

HEAD = 4  # instances of one choice of sizes that a line is evaluated on
COST = 1_500_000  # numbers that a line may take: further sizes are left out
Example = Mapping[str, Any]
Entry = tuple[str, list[list[int]], list[Term], Theorem]


@dataclass(frozen=True)
class Counterexample:
    """A line that is false: its number and rule, what it says, and values of its variables."""

    line: int
    rule: str
    formula: Term
    hypotheses: tuple[Term, ...]
    instance: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        given = "; ".join(f"{n} = {x}" for n, x in self.instance)
        return f"line {self.line} ({self.rule}) is false: {self.formula!r}\n  for {given}"


@dataclass(frozen=True)
class Checked:
    """A line: on how many instances it is true, on how many it is not evaluated, and whether it is false on one."""

    line: int
    rule: str
    formula: Term
    true: int
    unclear: int
    false: int

    @property
    def verdict(self) -> str:
        """One of "false", "true", "unclear" (evaluated nowhere), "skipped" (no instance of its hypotheses)."""
        return "false" if self.false else "true" if self.true else "unclear" if self.unclear else "skipped"


@dataclass(frozen=True)
class Evaluation:
    """What was found for the lines of a proof that are not mere assumptions, and the first counterexample if any."""

    theorem: str
    lines: tuple[Checked, ...]
    counterexample: Counterexample | None

    def count(self, verdict: str) -> int:
        """Return how many lines have a verdict."""
        return sum(c.verdict == verdict for c in self.lines)

    def instances(self, number: int) -> int:
        """Return on how many instances the line with this number in the trace is true: for a step."""
        return next((c.true for c in self.lines if c.line == number), 0)

    def __str__(self) -> str:
        counts = ", ".join(f"{self.count(v)} {v}" for v in ("true", "unclear", "skipped", "false"))
        return f"{self.theorem}: {counts}" + (f"\n{self.counterexample}" if self.counterexample else "")


def replayed(whole: dict[str, Any]) -> tuple[list[Entry], dict[str, Definition]]:
    """Return the lines of a trace with their theorems, and its definitions. Raises Rejected where a rule fails."""
    theory, terms = replay.read(whole["nodes"], whole["definitions"])
    rules, theorems = replay.derive(theory, terms, whole["lines"])
    lines = []
    for rule, theorem, (_, groups, numbers) in zip(rules, theorems, whole["lines"], strict=True):
        lines.append((rule, groups, [] if rule == "definition" else [terms[i] for i in numbers], theorem))
    return lines, theory.definitions


def choices(lines: Sequence[Entry]) -> dict[Term, Choice]:
    """Return what a proof chooses, by the formula that says what it is like."""
    found: dict[Term, Choice] = {}
    for rule, groups, terms, _ in lines:
        if rule == "choose":
            number = groups[0][0]
            existence = lines[number][3].conclusion
            witness, rests = _exhibited(lines, number)
            found[instantiate(existence.args[1], terms[0])] = Choice(terms[0], existence, witness, rests)
    return found


def _exhibited(lines: Sequence[Entry], number: int) -> tuple[Term | None, frozenset[Term]]:
    """The witness from which a line concludes that something exists, if any, and the hypotheses that this rests on."""
    wanted = lines[number][3].conclusion
    seen, todo = {number}, [number]
    while todo:
        rule, groups, terms, theorem = lines[todo.pop()]
        if rule == "exhibit":
            return terms[1], theorem.hypotheses
        for i in (i for g in groups for i in g if i not in seen):
            if lines[i][3].conclusion is wanted:
                seen.add(i)
                todo.append(i)
    return None, lines[number][3].hypotheses


class _Check:
    """The check of one proof: its sizes, its instances, and what is known already."""

    def __init__(
        self,
        lines: Sequence[Entry],
        definitions: dict[str, Definition],
        instances: int,
        seed: int,
        examples: Sequence[Example] = (),
    ) -> None:
        order: dict[Term, int] = {}
        for i, (rule, _, terms, _) in enumerate(lines):
            if rule == "assume":
                order.setdefault(terms[0], i)
        chosen = choices(lines)
        self.lines = lines
        self.names = {t.conclusion: terms[0] for rule, _, terms, t in lines if rule == "generalise"}
        self.builder = Builder(definitions, chosen, order, seed)
        names = {c.name for c in chosen.values()}
        free = {v for _, _, _, t in lines for f in (*t.hypotheses, t.conclusion) for v in f.free}
        self.sizes = sorted((v for v in free - names if v.args[0].op == "Size"), key=lambda v: str(v.val))
        self.configs: list[dict[Term, Value]] = [
            {v: _from_example(v, x[str(v.val)], x) for v in free if str(v.val) in x} for x in examples
        ]
        self.configs += [self._draw(i, seed) for i in range(max(1, -(-instances // HEAD)))]
        self.known: dict[
            tuple[tuple[Term, ...], Term, frozenset[Term]], tuple[int, int, int, Counterexample | None]
        ] = {}

    def _draw(self, i: int, seed: int) -> dict[Term, Value]:
        """Sizes: all 2 at first, then 1 to 3 at random, and a size that is 0 now and then."""
        if i == 0:
            return dict.fromkeys(self.sizes, 2)
        rng = np.random.default_rng([seed, i])
        found: dict[Term, Value] = {v: int(rng.choice([1, 2, 2, 3] if i % 3 else [1, 1, 2])) for v in self.sizes}
        if i % 5 == 4 and found:
            found[self.sizes[int(rng.integers(len(self.sizes)))]] = 0
        return found

    def check(self, number: int) -> tuple[Checked, Counterexample | None]:
        """Evaluate one line."""
        rule, _, _, theorem = self.lines[number]
        hypotheses, formula = self._opened(theorem)
        given = self.builder.ordered(hypotheses)
        key = given, formula, theorem.indices
        if key not in self.known:
            self.known[key] = self._evaluated(number, rule, given, theorem._replace(conclusion=formula))
        true, unclear, false, example = self.known[key]
        return Checked(number, rule, theorem.conclusion, true, unclear, false), example

    def _opened(self, theorem: Theorem) -> tuple[frozenset[Term], Term]:
        """The sequent without ∀ and ⟹ in front: with variables for what is bound, and antecedents as hypotheses."""
        given, formula = theorem.hypotheses, theorem.conclusion
        for i in range(1000):
            inner = unfolded(formula, self.builder.definitions[str(formula.val)]) if formula.op == "c" else formula
            if inner.op == "all":
                x = self.names.get(inner)
                if x is None or x in formula.free or any(x in h.free for h in given):
                    x = make("var", f"x{i}'", inner.args[0])
                formula = instantiate(inner.args[1], x)
            elif inner.op == "imp":
                given, formula = given | {inner.args[0]}, inner.args[1]
            else:
                break
        return given, formula

    def _evaluated(
        self, number: int, rule: str, given: tuple[Term, ...], theorem: Theorem
    ) -> tuple[int, int, int, Counterexample | None]:
        formula = theorem.conclusion
        true, unclear, false, example, spent = 0, 0, 0, None, 0
        for config, sizes in enumerate(self.configs):
            model = self.builder.model(config, given, sizes)
            if model is None:
                continue
            if spent > COST and (true or spent > 5 * COST):
                break
            model = model.head(HEAD)
            try:
                model.ensure(formula.free | theorem.indices)
            except Unclear:
                continue  # an index below 0: the line supposes that there is one
            start = WORK[0]
            try:
                level = np.broadcast_to(model.evaluator.level(formula).reshape(-1), (model.count,))
            except (Unclear, np.linalg.LinAlgError):
                unclear += model.count
                continue
            finally:
                spent += WORK[0] - start
            true += int((level >= YES).sum())
            false += int((level == FALSE).sum())
            unclear += int(((level < YES) & (level > FALSE)).sum())
            if example is None and (level == FALSE).any():
                example = Counterexample(
                    number, rule, formula, given, _shown(model, int(np.argmin(level)), formula, given)
                )
        return true, unclear, false, example


def _shown(model: Model, which: int, formula: Term, given: Sequence[Term]) -> tuple[tuple[str, str], ...]:
    """The values of the variables of a sequent at one instance."""
    names = sorted(formula.free.union(*(h.free for h in given)), key=lambda v: str(v.val))
    return tuple(
        (str(v.val), _text(model.evaluator.value(v) if isinstance(model.env[v], Term) else model.env[v], which))
        for v in names
        if v in model.env
    )


def _text(x: Value, which: int) -> str:
    if isinstance(x, int):
        return str(x)
    if isinstance(x, Table):
        return "[" + ", ".join(_text(v, which) for v in x.values) + "]"
    a = x.v if isinstance(x, Num) else x
    if not isinstance(a, np.ndarray):
        return "a function"
    one = a[..., min(which, a.shape[-3] - 1), :, :]
    return str(one.ravel()[0]) if one.size == 1 else str(np.round(one, 6).tolist())


def _from_example(v: Term, x: Any, example: Example) -> Value:
    """The value of a variable in an example: a size, an index, or numbers, families by their members."""
    sort = v.args[0]
    if sort.op == "Size":
        return int(x)
    error = float(example.get("error", 0.0))

    def value(sort: Term, x: Any) -> Value:
        if sort.op == "Fun":
            return Table([value(sort.args[1], y) for y in x], (sort.args[1].op,))
        if sort.op == "Index":
            return np.full((1, 1, 1), int(x))
        a = np.asarray(x, dtype=float)
        a = a.reshape(1, *(a.shape if a.ndim == 2 else (a.size, 1)))
        return Num(a, np.full(a.shape, error))

    return value(sort, x)


def evaluate(
    trace: dict[str, Any],
    instances: int = 40,
    seed: int = 0,
    examples: Sequence[Example] = (),
    only: Collection[int] | None = None,
) -> Evaluation:
    """Evaluate the lines of a trace, or `only` those with these numbers, each on about so many instances.

    Raises Rejected where the trace is not a proof.

    An example gives values to some variables by their names, its sizes included, and to "error" a bound on their error:
    a minimiser, say, which is not found at random.
    """
    lines, definitions = replayed(trace)
    return evaluate_lines(str(trace["theorem"]), lines, definitions, instances, seed, only, examples)


def evaluate_lines(
    theorem: str,
    lines: Sequence[Entry],
    definitions: dict[str, Definition],
    instances: int = 40,
    seed: int = 0,
    only: Collection[int] | None = None,
    examples: Sequence[Example] = (),
) -> Evaluation:
    """Evaluate lines with what they claim, whether or not they follow; `only` those with these numbers."""
    found, example = list[Checked](), None
    with np.errstate(all="ignore"):
        check = _Check(lines, definitions, instances, seed, examples)
        for i, (rule, *_) in enumerate(lines):
            if rule not in ("assume", "definition") and (only is None or i in only):
                checked, false = check.check(i)
                found.append(checked)
                example = example or false
    return Evaluation(theorem, tuple(found), example)


def evaluate_sequent(
    hypotheses: Sequence[Term],
    conclusion: Term,
    definitions: dict[str, Definition] | None = None,
    instances: int = 40,
    seed: int = 0,
    examples: Sequence[Example] = (),
) -> Evaluation:
    """Evaluate one sequent Γ ⊢ φ."""
    theorem = Theorem(frozenset(hypotheses), conclusion, frozenset(), frozenset())
    given: list[Entry] = [("assume", [], [h], Theorem(frozenset([h]), h, frozenset(), frozenset())) for h in hypotheses]
    lines = [*given, ("claim", [], [], theorem)]
    return evaluate_lines("sequent", lines, definitions or {}, instances, seed, examples=examples)


__all__ = [
    "Checked",
    "Counterexample",
    "Evaluation",
    "Rejected",
    "evaluate",
    "evaluate_lines",
    "evaluate_sequent",
    "replayed",
]
