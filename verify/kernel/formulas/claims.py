"""A certificate that carries its own claim: a formula that is true on the instance, read, evaluated and printed."""

import re
from typing import Any, NamedTuple

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from thmverify.kernel import models
from thmverify.kernel.claims import COVERS, STATEMENTS
from thmverify.kernel.formulas.grammar import Reader, State, Term
from thmverify.kernel.formulas.values import Undefined, shape
from thmverify.kernel.integrals import Grids, read_grids
from thmverify.kernel.linear import diagonal
from thmverify.kernel.models import Finding, Mixture, Pairs
from thmverify.kernel.parse import bits, check_hint, matrix, rational, read
from thmverify.kernel.strict import MAX_SIZE, Rejected, array, canonical, digest, exactly, record, sealed

FORMAT = "thmverify-formula-1"
FIELDS = ("format", "claim", "definitions", "formula", "statement", "instance", "hints", "content")
_CLAIM = re.compile(r"(?=.{1,60}\Z)[a-z0-9]+([-.][a-z0-9]+)*")


class VerifiedFormula(NamedTuple):
    """A formula that is true on an instance: its name and text, those of its definitions, and the statement's hash."""

    claim: str
    formula: str
    definitions: tuple[str, ...]
    statement: str
    instance: Any
    finding: Finding = Finding("proved")

    def lines_of_text(self) -> list[str]:
        """Return the answer: the instance, a record's values, the definitions, and on the last line the formula."""
        values = self.instance.get("values", {}).items()
        given = [f"given {name} = {text}" for name, text in map(_written, values)]
        meant = [f"where {text}" for text in self.definitions]
        return [f"instance {digest(self.instance)}", *given, *meant, f"VERIFIED {self.claim}: {self.formula}"]


class Evaluated(NamedTuple):
    """A term and its value, or a formula and its truth, None where that is not certain; what was not; definitions."""

    term: Term
    value: Any
    reasons: list[str]
    definitions: tuple[str, ...]


def evaluate(definitions: object, node: object, instance: object, hints: object) -> Evaluated:
    """Read a term or a formula and evaluate it on an instance.

    Raises Rejected when it is none or asks for too much work, and Undefined when a term has no certain value.
    """
    return valued(definitions, node, *fields(instance), hints)


def valued(definitions: object, node: object, names: dict[str, Any], law: Mixture | None, hints: object) -> Evaluated:
    """Read and evaluate the same, given what names stand for."""
    reader, named = Reader(names, law), []
    for pair in array(definitions, "the definitions", MAX_SIZE):
        name, body = exactly(2, pair, "a definition")
        term = reader.read(body)
        named.append((reader.define(name, term.shape), term))
    goal = reader.read(node)
    precision, grids = read(hints, precision=bits, grids=_grids)
    if len(grids) != reader.expectations:
        raise Rejected(f"the formula has {reader.expectations} expectations, and the hints grids for {len(grids)}")
    with ctx.workprec(precision):
        state = State(names, grids)
        for name, term in named:
            try:
                state.names[name] = term.value(state)
            except Undefined as error:
                state.names[name] = error
        value = goal.value(state)
    return Evaluated(goal, value, state.reasons, tuple(f"{name} = {term.text}" for name, term in named))


def check(whole: Any) -> VerifiedFormula:
    """Return the formula of a certificate, if it is certain that it is true. Raises Rejected with the reason if not."""
    claim, definitions, formula, statement, instance, hints = sealed(whole, "the certificate", FORMAT, FIELDS)
    check_name(claim, definitions, formula, statement)
    found = evaluate(definitions, formula, instance, hints)
    check_true(found, "the instance")
    return VerifiedFormula(claim, found.term.text, found.definitions, statement, instance)


def check_name(claim: object, definitions: object, formula: object, statement: object) -> None:
    """Check that a formula has a name of its own, and that its statement is the hash."""
    if not isinstance(claim, str) or not _CLAIM.fullmatch(claim) or claim in STATEMENTS | COVERS:
        raise Rejected("the claim's name is not of small letters, digits, - and ., or it is a built-in claim's")
    if statement != digest([claim, definitions, formula]):
        raise Rejected("the statement is not the hash of the claim's name, definitions and formula")


def check_true(found: Evaluated, where: str) -> None:
    """Check that it is a formula, and that it is certain that it is true."""
    if found.term.shape is not None:
        raise Rejected("the claim is a term, not a formula")
    if found.value is not True:
        why = "it is false" if found.value is False else "; ".join(found.reasons[:1])
        raise Rejected(f"the formula is not proved on {where}: {why}")


def fields(instance: object) -> tuple[dict[str, Any], Mixture | None]:
    """Return what names stand for on an instance, a model of the kernel or a record; and its mixture, if it is one."""
    if isinstance(instance, dict) and instance.get("model") == "record":
        _, values = record(instance, "instance", ("model", "values"))
        if not isinstance(values, dict) or len(values) > 64:
            raise Rejected("the values of a record are not an object of at most 64")
        return {name: _field(value, name) for name, value in values.items()}, None
    model = models.instance(instance)
    if not isinstance(model, Pairs):
        degrees = diagonal([sum(row, fmpq(0)) for row in model.weights.tolist()])
        n, r = fmpq(model.weights.nrows()), fmpq(model.columns)
        return {"n": n, "r": r, "laplacian": degrees - model.weights}, None
    return of_pairs(model), model.mixture if len(model.modalities) == 1 else None


def of_pairs(model: Pairs) -> dict[str, Any]:
    """Return what names stand for on pairs, whose numbers are rational or in balls."""
    names: dict[str, Any] = {"r": fmpq(model.columns), "bias": model.bias, "weight_decay": model.decay, "C": model.C}
    w, K = model.mixture.weights, len(model.mixture.weights)
    names |= {"K": fmpq(K), "weights": (arb_mat if isinstance(w[0], arb) else fmpq_mat)(K, 1, w)}
    for prefix, x in zip(("vision_", "text_") if len(model.modalities) == 2 else ("",), model.modalities, strict=True):
        part = {"d": fmpq(x.means.nrows()), "means": x.means, "mean": x.mean, "covariances": x.covariances}
        part |= {"covariance": x.sigma, "S": x.S, "R": x.R, "fisher": x.fisher}
        names |= {prefix + name: value for name, value in part.items()}
    return names


def _field(value: object, name: str) -> Any:
    """Return the number, column, matrix or family of matrices of a record."""
    match value:
        case [[[*_], *_], *_]:
            family = [_matrix(x, name) for x in array(value, name, MAX_SIZE)]
            if any(shape(x) != shape(family[0]) for x in family):
                raise Rejected(f"{name} is not a family of matrices of one shape")
            return family
        case [[*_], *_]:
            return _matrix(value, name)
        case [*entries]:
            return _matrix([[x] for x in entries], name)
    return rational(value, name)


def _matrix(value: object, name: str) -> fmpq_mat:
    found = matrix(array(value, name, MAX_SIZE), name)
    check_hint(name, found)
    return found


def _written(item: tuple[str, Any]) -> tuple[str, str]:
    name, value = item
    text = canonical(value).decode().strip().replace('"', "").replace(",", ", ")
    return name, text if len(text) <= 100 else f"{text[:100]}..."


def _grids(value: object, name: str) -> list[Grids]:
    return [read_grids(grids, name) for grids in array(value, name)]
