"""From a formula and an instance to a certificate, or to an undecided margin: untrusted, the kernel evaluates again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, fmpq

from thmverify.certifying import Undecided
from thmverify.certifying.formulas.expressions import Expression, Node
from thmverify.certifying.grids import OutOfReachError, propose
from thmverify.certifying.infonce import outward
from thmverify.certifying.proposal import Interval
from thmverify.certifying.writing import instance_fields
from thmverify.errors import InputError
from thmverify.exact import FLOATS_FAIL, identity
from thmverify.kernel import Rejected
from thmverify.kernel import check as kernel_check
from thmverify.kernel.formulas import FIELDS, FORMAT, VerifiedFormula, evaluate, fields
from thmverify.kernel.formulas.expectations import EXPECTATIONS
from thmverify.kernel.formulas.grammar import Reader
from thmverify.kernel.formulas.values import Undefined, is_ball
from thmverify.kernel.linear import select
from thmverify.kernel.strict import canonical, digest
from thmverify.models import Instance
from thmverify.verdicts import Outcome

_BITS = (64, 128, 256, 512, 1024, 2000)
_NATS = (24.0, 48.0, 96.0, 192.0)  # accuracy of the integrals
_LARGEST = 1000  # bits of a margin that is written out
Definitions = list[list[Node]]


@dataclass(frozen=True)
class FormulaCertificate:
    """A certificate that the kernel has accepted, of the formula or, called `not-NAME`, of its negation."""

    data: bytes
    outcome: Outcome
    verified: VerifiedFormula


def certify(
    claim: str,
    formula: Expression,
    instance: Instance | dict[str, Any],
    definitions: Mapping[str, Expression] | None = None,
) -> FormulaCertificate | Undecided:
    """Return a certificate that decides a formula on an instance or a record, or why there is none.

    Precision grows until the formula or its negation is certain; where neither is, the margin that was reached is
    enclosed for comparisons of numbers joined by and, or, not: at most 0 where the formula holds.

    Raises InputError when the formula does not fit the instance, or its name is that of a built-in claim.
    """
    given = instance if isinstance(instance, dict) else instance_fields(instance)
    meant = [[name, term.node] for name, term in (definitions or {}).items()]
    check_shapes(_reader(given), formula.node, meant)
    reason, margin = "it takes integrals that are out of reach", None
    for precision in _NATS if _expectations(meant, formula.node) else _BITS:
        try:
            with np.errstate(all="ignore"):  # floats propose grids: where they overflow, nothing is proposed
                hints = _hints(meant, formula.node, given, precision)
            found = evaluate(meant, formula.node, given, hints)
            if found.value is not None:
                return _certificate(claim, meant, formula.node, given, hints, found.value)
            reason = found.reasons[0]
            margin = _margin(meant, formula.node, given, precision) or margin
        except (Rejected, Undefined, OutOfReachError, *FLOATS_FAIL) as error:
            return Undecided(f"{error}" if margin is None else f"{reason}, and with more digits {error}", margin)
    return Undecided(reason, margin)


def check(data: bytes) -> VerifiedFormula:
    """Return the formula that a certificate verifies. Raises Rejected with the reason when it verifies none."""
    found = kernel_check(data)
    if not isinstance(found, VerifiedFormula):
        raise Rejected("the certificate is not of a formula, but of a built-in claim")
    return found


def check_shapes(reader: Reader, formula: Node, definitions: Definitions) -> None:
    """Raise InputError unless this is a formula over the reader's names, and its shapes fit."""
    field, node = "formula", formula
    try:
        for field, node in definitions:
            reader.define(field, reader.read(node).shape)
        field, node = "formula", formula
        shape = reader.read(formula).shape
    except Rejected as error:
        raise InputError(field, _shown(node), str(error), "see the grammar in verify/kernel/FORMAT.md") from None
    if shape is not None:
        raise InputError("formula", _shown(formula), "is a term, which is neither true nor false", "write a comparison")


def _reader(instance: dict[str, Any]) -> Reader:
    try:
        return Reader(*fields(instance))
    except Rejected as error:
        raise InputError("instance", instance.get("model"), str(error), "see verify/kernel/FORMAT.md") from None


def _shown(formula: Node) -> str:
    return formula if isinstance(formula, str) else f"({' '.join(map(_shown, formula))})"


def _certificate(
    claim: str, definitions: Definitions, formula: Node, instance: dict[str, Any], hints: dict[str, Any], truth: bool
) -> FormulaCertificate:
    """Write the certificate of a formula or of its negation, and let the kernel read it."""
    stated, goal = (claim, formula) if truth else (f"not-{claim}", ["not", formula])
    values = (FORMAT, stated, definitions, goal, digest([stated, definitions, goal]), instance, hints)
    body = dict(zip(FIELDS, values, strict=False))
    data = canonical(body | {"content": digest(list(body.items()))})
    try:
        return FormulaCertificate(data, Outcome.PROVED if truth else Outcome.REFUTED, check(data))
    except Rejected as error:
        raise InputError("claim", claim, str(error), "write another name, or a shorter formula") from None


def _parts(node: Node) -> Iterator[Node]:
    """Yield the parts of a term in the order in which the kernel reads them, itself last."""
    if isinstance(node, list) and node and node[0] != "matrix":
        for part in node[1:]:
            yield from _parts(part)
    yield node


def _expectations(definitions: Definitions, node: Node) -> list[Node]:
    terms = [*(term for _, term in definitions), node]
    return [part for term in terms for part in _parts(term) if isinstance(part, list) and part[0] in EXPECTATIONS]


def _hints(definitions: Definitions, node: Node, instance: dict[str, Any], precision: float) -> dict[str, Any]:
    """Return the precision, and grids for each expectation. Raises OutOfReachError where there are none."""
    grids, bits = [], 64 if _expectations(definitions, node) else int(precision)
    _, law = fields(instance)
    for _, logits in _expectations(definitions, node):
        needed = _needed(definitions, logits)
        B = evaluate(needed, logits, instance, {"precision": "64", "grids": []}).value
        if law is None or is_ball(B):
            raise Rejected("an expectation takes logits that are rational, over a mixture")
        d, K = B.nrows(), B.ncols()
        found = propose(law, identity(d), B - select(B, range(d), [0] * K), precision, boxes=True)
        grids.append(found.grids)
        bits = max(bits, found.bits)
    return {"precision": str(bits), "grids": grids}


def _needed(definitions: Definitions, node: Node) -> Definitions:
    """Return the definitions that a term rests on."""
    names = {part for part in _parts(node) if isinstance(part, str)}
    kept: Definitions = []
    for name, term in reversed(definitions):
        if name in names:
            names |= {part for part in _parts(term) if isinstance(part, str)}
            kept.insert(0, [name, term])
    return kept


def _margin(definitions: Definitions, node: Node, instance: dict[str, Any], precision: float) -> Interval | None:
    """Return an enclosure of the margin at this precision, for comparisons of numbers joined by and, or, not."""
    op, *parts = node
    if op in ("and", "or", "not"):
        found = [_margin(definitions, part, instance, precision) for part in parts]
        known = [x for x in found if x is not None]
        if len(known) < len(found):
            return None
        if op == "not":
            return -known[0][1], -known[0][0]
        pick = max if op == "and" else min
        return pick(low for low, _ in known), pick(high for _, high in known)
    if op not in ("=", "<", "<="):
        return None
    apart, needed = ["-", *parts], _needed(definitions, ["-", *parts])
    try:
        value = evaluate(needed, apart, instance, _hints(needed, apart, instance, precision)).value
    except Undefined:
        return None
    if not isinstance(value, arb | fmpq) or not (arb(value).is_finite() and abs(arb(value)) < arb(2) ** _LARGEST):
        return None
    low, high = outward(arb(value), arb(value))
    return (max(low, -high, Fraction(0)), max(-low, high)) if op == "=" else (low, high)
