"""Statements as data: what is claimed, under which hypotheses, by whom, and what is known of it.

A theorem module builds one `Statement`. Everything that a reader is shown, the hypotheses, the conclusion, the proof,
is the object that is checked.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from sympy import latex
from sympy.logic.boolalg import Boolean

from thmverify.artefacts import Artefact
from thmverify.certifying import decide
from thmverify.covering import Chart, Cover
from thmverify.errors import InputError
from thmverify.evidence import Break, ByKernel, Counterexample, Necessity, Need
from thmverify.guarantees import Guarantee
from thmverify.headlines import OURS, Headline, Source
from thmverify.huntrecords import HuntRecord, evaluations, read_record, summary
from thmverify.hypotheses import Hypothesis
from thmverify.mathml import formula as mathml
from thmverify.models import Instance, Record
from thmverify.notebook import escaped, table, word
from thmverify.proofs.checking import Named, Proof, ProofReport, check
from thmverify.proofs.checking import prepare as prepare_proofs
from thmverify.relations import Relation
from thmverify.scripts import marked
from thmverify.spaces import Sampler, Space, Variable
from thmverify.verdicts import Outcome, Provenance, Status, Verdict
from thmverify.vocabulary import Entry, Formula


def prepare(statements: Iterable[Statement]) -> None:
    """Have the proofs of many statements made together, which is faster than one by one."""
    prepare_proofs([s.proof for s in statements if s.proof is not None])


@dataclass(frozen=True)
class Quantity:
    """The loss or object that a statement is about: its LaTeX, and the name of the loss that evaluates it, if any."""

    latex: str
    loss: str | None = None

    @property
    def mathml(self) -> str:
        """The quantity as MathML."""
        return mathml(self.latex)


@dataclass(frozen=True)
class Conclusion:
    """What a statement concludes, as LaTeX and as a sentence that says exactly what is claimed."""

    latex: str
    sentence: str

    @property
    def mathml(self) -> str:
        """The conclusion as MathML."""
        return mathml(self.latex)


@dataclass(frozen=True)
class Formal:
    """What a theorem says, as the kernel writes it: the conclusion, and each hypothesis and definition by its name.

    It is on record apart from the script, so that a script that proves something else does not prove the statement.
    `digest` is a hash of the theorem as a term; without it the texts are compared.
    """

    conclusion: str
    hypotheses: tuple[tuple[str, str], ...]
    definitions: tuple[tuple[str, str], ...] = ()
    digest: str = ""

    @classmethod
    def of(cls, report: ProofReport) -> Formal:
        """Return what a proof establishes."""

        def names(group: Iterable[Named]) -> tuple[tuple[str, str], ...]:
            return tuple(sorted((x.name, x.formula) for x in group))

        return cls(report.conclusion, names(report.hypotheses), names(report.definitions), report.digest)

    def differs(self, report: ProofReport) -> str:
        """Return how what a proof establishes differs from what is on record, or nothing."""
        found = Formal.of(report)
        if found.conclusion != self.conclusion:
            return f"the proof concludes something else: expected {self.conclusion}, found {found.conclusion}"
        for what, ours, theirs in (
            ("hypothesis", self.hypotheses, found.hypotheses),
            ("definition", self.definitions, found.definitions),
        ):
            if ours != theirs:
                name, _ = next(iter(sorted(set(ours) ^ set(theirs))))
                return f"the {what} {name} is not the one on record"
        return (
            ""
            if self.digest in ("", found.digest)
            else "what the proof establishes reads the same, and is another term"
        )


def _check_symbols(relation: Relation, space: Space, hypotheses: Sequence[Hypothesis]) -> None:
    """Raise InputError unless every symbol is a quantity of the model, or a definition over those before it."""
    if not isinstance(relation.formula, Boolean):
        rule = "is a term, which is neither true nor false"
        raise InputError("conclusion", str(relation.formula), rule, "write a comparison")
    known: set[Any] = {v.symbol for v in space.variables}
    formulas = [(f"hypotheses.{h.name}", h.formula) for h in hypotheses]
    for name, term in relation.definitions.items():
        _check_known(f"definitions.{name}", term, known)
        if name in {str(s) for s in known}:
            raise InputError(f"definitions.{name}", name, "is the name of a quantity", "choose another name")
        known |= {s for s in relation.formula.free_symbols if str(s) == name}
    for field_, formula in [*formulas, ("conclusion", relation.formula)]:
        _check_known(field_, formula, known)
    try:
        _ = relation.expression
    except InputError as error:
        raise error.under(f"statement {relation.name}") from None


def _check_known(field_: str, formula: Formula, known: set[Any]) -> None:
    strange = sorted(str(s) for s in formula.free_symbols - known)
    if strange:
        names = ", ".join(sorted(str(s) for s in known))
        raise InputError(field_, strange[0], "is no quantity of the model", f"write one of {names}")


def _prose(text: str) -> str:
    return marked(escaped(text))


@dataclass(frozen=True)
class Statement:
    """One statement of the theory, with all that is known of it.

    `margin(instance)` is a float that a search can climb: at most 0 where the conclusion holds on the instance,
    positive where it is violated. `examine(instance)` is what an exact evaluation on this one instance decides, without
    the proof script. `witness` satisfies every hypothesis, so the statement is not vacuous. `sample(rng)` draws the
    instances of randomised verification. `redundant` are hypotheses of the source that the proof does not need.
    `proof` names the script and `formal` what its theorem says, as on record; or `cover` is the certificate that proves
    it, on the set of instances that its hypotheses say.
    `claim` is the kernel's claim that says the same of one instance, if there is one. `counterexamples` refute the
    statement, `breaks` show that a hypothesis is needed, `evidence` says in sentences what is known of an open one, and
    `hunts` are the records of hunts for a counterexample to it, or to it without a hypothesis. `charts` are certified
    maps of its claim.
    `guarantees` are the cells of the guarantee matrix whose general claim this is; `special_case_of` is the id of the
    statement that this one is a special case of. `origin` is the distribution or file that it comes from, and `coq` are
    the theorems in Coq about it, which the registry adds.
    """

    id: str
    title: str
    source: Source
    status: Status
    symbols: tuple[Entry, ...] | tuple[Variable, ...]
    hypotheses: tuple[Hypothesis, ...]
    quantity: Quantity
    conclusion: Conclusion
    margin: Callable[[Instance], float]
    examine: Callable[[Instance], Verdict]
    witness: Instance
    sample: Callable[[random.Random], Instance]
    proof: Proof | None = None
    cover: Cover | None = None
    counterexamples: tuple[Counterexample, ...] = ()
    redundant: tuple[Hypothesis, ...] = field(default=())
    formal: Formal | None = None
    claim: str | None = None
    breaks: tuple[Break, ...] = ()
    evidence: tuple[str, ...] = ()
    hunts: tuple[Path, ...] = ()
    charts: tuple[Chart, ...] = ()
    guarantees: tuple[Guarantee, ...] = ()
    special_case_of: str = ""
    origin: str = OURS
    coq: tuple[Artefact, ...] = ()
    space: Space | None = None

    @classmethod
    def of(
        cls,
        id: str,
        title: str,
        space: Space,
        hypotheses: Sequence[Hypothesis],
        conclusion: Formula,
        *,
        source: Source | str,
        status: Status | str = Status.OPEN,
        definitions: Mapping[str, Formula] | None = None,
        sentence: str = "",
        **more: Any,
    ) -> Statement:
        """Return a statement about a model of one's own, of which all that can be derived from formulas is.

        The conclusion, a SymPy relation over the quantities of `space` and the definitions, is what is printed, what
        the kernel decides on an instance, and what a hunt climbs; instances are drawn under the hypotheses. `source` is
        a citation; `more` are further fields of a statement (`proof`, `formal`, `counterexamples`, …). Raises
        InputError when the formula holds what the kernel has no word for, or a symbol that is no quantity.
        """
        relation = Relation(id, conclusion, dict(definitions or {}))
        _check_symbols(relation, space, hypotheses)
        sampler = Sampler(space, tuple(hypotheses))
        return cls(
            id=id,
            title=title,
            source=source if isinstance(source, Source) else Source(source, id),
            status=Status(status),
            symbols=space.variables,
            hypotheses=tuple(hypotheses),
            quantity=Quantity(
                r",\quad ".join(rf"{name} = {latex(term)}" for name, term in relation.definitions.items())
            ),
            conclusion=Conclusion(relation.latex, sentence or relation.sentence),
            margin=relation.margin,
            examine=relation,
            witness=more.pop("witness", None) or sampler(random.Random(id)),
            sample=sampler,
            claim=id,
            space=space,
            **more,
        )

    def variant(
        self,
        id: str,
        title: str,
        hypotheses: Sequence[Hypothesis],
        *,
        source: Source | str,
        witness: Instance | None = None,
        **more: Any,
    ) -> Statement:
        """Return a statement with this conclusion under hypotheses of one's own: open, until something is known of it.

        Proof, counterexamples, records and cells of the matrix stay behind: they are about this statement. `witness` is
        an instance that satisfies the hypotheses, where that of this statement does not; `more` are further fields,
        such as `sample`. Raises InputError for a witness that violates a hypothesis.
        """
        about_this = {f.name: f.default for f in fields(self) if f.default is not MISSING}
        about_this |= {"claim": self.claim, "space": self.space}
        found: Statement = replace(
            self,
            **{
                **about_this,
                "id": id,
                "title": title,
                "hypotheses": tuple(hypotheses),
                "source": source if isinstance(source, Source) else Source(source, id),
                "status": Status.OPEN,
                "witness": witness or self.witness,
                **more,
            },
        )
        if violated := found.false_hypotheses(found.witness):
            rule = f"violates the hypotheses of {id}"
            raise InputError("witness", ", ".join(violated), rule, "give an instance that satisfies them all")
        return found

    def _repr_html_(self) -> str:
        supposes = "".join(f"<li><code>{escaped(h.name)}</code>: {_prose(h.meaning)}</li>" for h in self.hypotheses)
        rows = [
            ("recorded as", word(self.status)),
            ("claim", f"{_prose(self.conclusion.sentence)}<br>{mathml(self.conclusion.latex)}"),
            ("hypotheses", f'<ul style="margin: 0; padding-left: 1.2em">{supposes}</ul>' if supposes else "none"),
            ("source", escaped(self.source)),
            *(("counterexample", _prose(f"{c.name}: {c.catch}")) for c in self.counterexamples),
            *(("known", _prose(text)) for text in self.known),
        ]
        return table(f"<strong>{_prose(self.title)}</strong> <code>{escaped(self.id)}</code>", rows)

    @property
    def headline(self) -> Headline:
        """What a list shows of it."""
        return Headline(self.id, self.title, self.status, self.source, self.origin, self.coq)

    @property
    def checked(self) -> ProofReport | None:
        """What the kernel says of its proof, checked once a process."""
        return None if self.proof is None else check(self.proof)

    @property
    def unproved(self) -> str:
        """Why its proof does not establish it, or nothing when it does, be it on assumptions, or when there is none.

        The theorem has the statement's name, its hypotheses are the statement's, and what it says, definitions
        included, is the theorem on record.
        """
        report = self.checked
        if report is None:
            return self._uncovered()
        if not report.passed:
            return report.reason
        known = {h.name for h in (*self.hypotheses, *self.redundant)}
        strange = [name for name in report.used if name not in known]
        if strange:
            return f"the proof rests on {', '.join(strange)}, which the statement does not suppose"
        if report.theorem != self.id:
            return f"the proof is of {report.theorem}, expected {self.id}"
        return "what its theorem says is not on record" if self.formal is None else self.formal.differs(report)

    def _uncovered(self) -> str:
        """Return why its cover does not establish it, or nothing when it does, or when there is none."""
        if self.cover is None:
            return ""
        if self.cover.claim != self.id:
            return f"the cover is of {self.cover.claim}, expected {self.id}"
        return "" if self.cover.checked.passed else self.cover.checked.reason

    @cached_property
    def hunted(self) -> tuple[tuple[tuple[str, ...], HuntRecord], ...]:
        """The records of its hunts, each with the hypotheses that it went without: those its best instance violates.

        Raises InputError when a record cannot be read.
        """
        records = [read_record(path) for path in self.hunts]
        return tuple((self.false_hypotheses(record.exact_instance), record) for record in records)

    def hunted_without(self, *names: str) -> tuple[HuntRecord, ...]:
        """Return the records of the hunts that went without these hypotheses, and no others."""
        return tuple(record for dropped, record in self.hunted if dropped == names)

    @property
    def evaluations(self) -> int:
        """On how many instances that satisfy the hypotheses a counterexample was hunted for."""
        return evaluations(self.hunted_without())

    @property
    def known(self) -> tuple[str, ...]:
        """What is known of it, in sentences: the evidence, then what its hunts came to, family by family."""
        families: dict[tuple[tuple[str, ...], tuple[object, ...]], list[HuntRecord]] = {}
        for dropped, record in self.hunted:
            families.setdefault((dropped, record.family), []).append(record)
        return (*self.evidence, *(summary(records, dropped) for (dropped, _), records in families.items()))

    def without(self, name: str) -> Statement:
        """Return the statement without one hypothesis: open, unless its proof does not use it.

        Raises InputError when there is no such hypothesis.
        """
        kept = tuple(h for h in self.hypotheses if h.name != name)
        if len(kept) == len(self.hypotheses):
            known = ", ".join(h.name for h in self.hypotheses)
            raise InputError("hypothesis", name, f"is not a hypothesis of {self.id}", f"one of: {known}")
        proved = name in self.unused_hypotheses()
        proof = self.proof if proved else None
        return replace(self, hypotheses=kept, proof=proof, cover=None, status=Status.PROVED if proved else Status.OPEN)

    def unused_hypotheses(self) -> tuple[str, ...]:
        """Return the hypotheses that the proof does not use: it is as good without all of them."""
        report = self.checked
        if report is None or self.unproved or report.conditional:
            return ()
        return tuple(h.name for h in self.hypotheses if h.name not in report.used)

    def necessity(self) -> tuple[Necessity, ...]:
        """Return for each hypothesis, and each redundant one, whether the statement needs it, found once a process."""
        return self._necessities

    @cached_property
    def _necessities(self) -> tuple[Necessity, ...]:
        unused = self.unused_hypotheses()
        stated = tuple(self._necessity(h, unused) for h in self.hypotheses)
        reason = "the source supposes it and the proof does not"
        return stated + tuple(Necessity(h.name, Need.REDUNDANT, reason) for h in self.redundant)

    def _necessity(self, hypothesis: Hypothesis, unused: tuple[str, ...]) -> Necessity:
        name = hypothesis.name
        if name in unused:
            return Necessity(name, Need.REDUNDANT, "the proof does not use it")
        failures = []
        for broken in (b for b in self.breaks if b.hypothesis == name):
            violated, seen = self.false_hypotheses(broken.instance), broken.examine(broken.instance)
            if violated == (name,) and seen.outcome is Outcome.REFUTED:
                return Necessity(name, Need.NECESSARY, seen.reason)
            failures.append(f"an instance on record does not show it: it violates {violated}, and {seen.reason}")
        if hypothesis.constitutive:
            return Necessity(name, Need.CONSTITUTIVE, "without it there is no model that the statement is about")
        if self.status is Status.REFUTED and self.counterexamples and not self.unsupported():
            return Necessity(name, Need.MOOT, "refuted with it, and so without it too")
        tried = self.hunted_without(name)
        found = [f"neither a proof without it nor an instance{f': {summary(tried, ())}' if tried else ''}"]
        return Necessity(name, Need.UNKNOWN, "; ".join(failures or found))

    def unsupported(self) -> str:
        """Return why a counterexample on record does not refute the statement, or nothing when each does.

        It is checked once a process.
        """
        return self._unsupported

    @cached_property
    def _unsupported(self) -> str:
        for counterexample in self.counterexamples:
            seen = counterexample.verdict(self.claim, self.examine)
            if seen.outcome is not Outcome.REFUTED:
                return f"counterexample {counterexample.name}: {seen.outcome}: {seen.reason}"
            if seen.provenance not in (None, Provenance.EXACT):
                return f"counterexample {counterexample.name}: decided as {seen.provenance}"
            violated = self.false_hypotheses(counterexample.instance)
            if violated:
                return f"counterexample {counterexample.name} violates {', '.join(violated)}"
        return ""

    def false_hypotheses(self, instance: Instance) -> tuple[str, ...]:
        """Return the names of the hypotheses that are false on the instance, decided exactly."""
        return tuple(h.name for h in self.hypotheses if not h.holds(instance))

    def decide(self, instance: Instance) -> Verdict:
        """Return the verdict on an instance: the checked proof and the exact evaluation, which may not disagree."""
        missing = self.false_hypotheses(instance)
        if missing:
            reason = f"the statement says nothing here: {', '.join(missing)} is false on this instance"
            return Verdict(self.id, Outcome.UNDECIDED, reason)
        return self.judge(self._looked(instance))

    def _looked(self, instance: Instance) -> Verdict:
        """Return what `examine` sees on an instance: nothing where its floats do not hold the numbers."""
        try:
            with np.errstate(all="ignore"):  # as in `certifying.decide`
                return self.examine(instance)
        except (ArithmeticError, np.linalg.LinAlgError) as error:
            reason = f"nothing is seen in floats, which do not hold the numbers of this instance ({error})"
            return Verdict(self.id, Outcome.UNDECIDED, reason)

    def decided(self, instance: Instance) -> tuple[Verdict, bytes | None]:
        """Return the verdict on the conclusion for one instance, whether the statement is about it, and a certificate.

        `applicable` and `violated` say which hypotheses are false there. The verdict does not rest on them, unless
        nothing but the statement's proof decides it. There is a certificate where the kernel knows the claim and its
        rules decide it. Raises InputError for another model.
        """
        if isinstance(instance.model, Record) != (self.space is not None):
            quantities = ", ".join(v.name for v in self.space.variables) if self.space else ""
            remedy = f'use "record" with {quantities}' if quantities else "use one of the models of mixtures and graphs"
            raise InputError("model", instance.kind, f"is not what {self.id} is about", remedy)
        if isinstance(instance.model, Record) and self.space is not None:
            self.space.check(instance.model)
        violated = self.false_hypotheses(instance)
        data: bytes | None = None
        if isinstance(self.examine, Relation | ByKernel):
            verdict, data = self.examine.decide(instance)
        elif self.claim is not None:
            verdict, data = decide(self.claim, instance)
        else:
            verdict = self._looked(instance)
        if verdict.outcome is Outcome.UNDECIDED and not violated:
            verdict = self.judge(verdict)
        return replace(verdict, applicable=not violated, violated=violated), data

    def judge(self, seen: Verdict) -> Verdict:
        """Return the verdict, given what an exact evaluation saw on an instance that satisfies the hypotheses."""
        report = self.checked
        if report is None and self.cover is None:
            return seen
        if self.unproved:
            return replace(seen, reason=f"{seen.reason}; the proof does not check: {self.unproved}")
        if report is not None and report.conditional:
            names = ", ".join(a.name for a in report.assumed)
            return replace(seen, reason=f"{seen.reason}; the proof is conditional on {names}")
        if seen.outcome in (Outcome.REFUTED, Outcome.FAILED):
            reason = f"the proof checks, yet on this instance {seen.reason}: one of the two is wrong"
            return replace(seen, outcome=Outcome.FAILED, reason=reason)
        ground = report.reason if report is not None else self.cover.checked.reason  # type: ignore[union-attr]
        reason = f"the hypotheses hold exactly and {ground}; as a cross-check, {seen.reason}"
        return replace(seen, outcome=Outcome.PROVED, reason=reason, provenance=Provenance.EXACT)
