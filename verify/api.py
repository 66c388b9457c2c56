"""What `import thmverify as tv` offers: functions that take numbers, models and names as people have them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from thmverify.data import Rounded
from thmverify.errors import InputError
from thmverify.instances import parse_instance, parse_map, read_file
from thmverify.models import GMM, AugmentedPairs, Instance, PairedGMM, PopulationGraph, Record
from thmverify.rationals import Number
from thmverify.theories import registry

if TYPE_CHECKING:
    from thmverify.covering import Covering
    from thmverify.covering.around import Neighbourhood
    from thmverify.covering.maps import Map
    from thmverify.hunting.run import Progress, Result
    from thmverify.integrate.enclosure import Enclosure
    from thmverify.maps import LinearMap
    from thmverify.minimize import Minimiser
    from thmverify.statement import Statement
    from thmverify.verdicts import Verdict

Given: TypeAlias = Rounded | GMM | AugmentedPairs | PairedGMM | PopulationGraph | Record | Instance


def statements() -> Mapping[str, Statement]:
    """Return every statement by id, those of your own theories included; each is loaded when it is asked for.

    >>> statements()["infonce-inclusion"].status
    <Status.PROVED: 'proved'>
    """
    return registry()


def load(path: str | os.PathLike[str]) -> Instance | LinearMap:
    """Return the instance or the map in a JSON file. Raises InputError with file, field and rule.

    >>> load("examples/shared-gmm.json").rank
    2
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError("path", path, "is no path", 'give the path of a JSON file, such as "mine.json"')
    return read_file(path, lambda data: parse_instance(data) if "model" in data else parse_map(data))


def instance(
    model: Given, *, bias: Number | None = None, rank: int | None = None, weight_decay: Number = 0
) -> Instance:
    """Return what a claim is about: a model with a bias δ (1 when omitted), r columns (as many as components), and η.

    An Instance is returned as it is. Raises InputError for a bias that the model has already.
    """
    if isinstance(model, Instance):
        return model
    if isinstance(model, Rounded):
        model = model.mixture
    if not isinstance(model, GMM | AugmentedPairs | PairedGMM | PopulationGraph | Record):
        remedy = "make a SharedGMM, GMM, CLIPGMM, PairedGMM, PopulationGraph or Record, or load a file with `load`"
        raise InputError("model", type(model).__name__, "is no model", remedy)
    if isinstance(model, GMM):
        model = AugmentedPairs(model, 1 if bias is None else bias)
    elif bias is not None:
        rule = f"is part of the {type(model).__name__}, or has no meaning for it"
        raise InputError("bias", bias, rule, "give it when the model is made, or leave it out")
    return Instance(model, rank, weight_decay)


def decide(
    statement: str,
    model: Given,
    *,
    bias: Number | None = None,
    rank: int | None = None,
    weight_decay: Number = 0,
) -> Verdict:
    """Return the kernel's verdict on a statement's conclusion for one instance, and which hypotheses fail there.

    Raises InputError when there is no such statement, or it is about other models.

    >>> import thmverify as tv
    >>> line = tv.SharedGMM(["1/2", "1/2"], [[1, 0], [-1, 0]])
    >>> tv.decide("infonce-equality-two", line, bias="7/10", rank=2).outcome
    <Outcome.PROVED: 'proved'>
    """
    return (
        registry()
        .find(statement, "statement")
        .decided(instance(model, bias=bias, rank=rank, weight_decay=weight_decay))[0]
    )


def certify(
    statement: str,
    model: Given,
    *,
    bias: Number | None = None,
    rank: int | None = None,
    weight_decay: Number = 0,
) -> bytes | None:
    """Return a certificate that `check` verifies, for or against the conclusion; None where none is found.

    Raises InputError like `decide`.
    """
    return (
        registry()
        .find(statement, "statement")
        .decided(instance(model, bias=bias, rank=rank, weight_decay=weight_decay))[1]
    )


def check(certificate: bytes | str | os.PathLike[str]) -> str:
    """Return what a certificate or a proof, its bytes or its file, verifies, as the kernel says it.

    Raises InputError with the reason when the kernel rejects it.
    """
    from thmverify.kernel.answer import answer
    from thmverify.kernel.strict import Rejected, file_bytes

    try:
        data = certificate if isinstance(certificate, bytes) else file_bytes(Path(certificate))
        _, lines = answer(data)
    except (OSError, TypeError) as error:
        raise InputError("certificate", str(certificate), f"cannot be read: {error}", "give bytes or a path") from None
    except Rejected as error:
        where = "bytes" if isinstance(certificate, bytes) else str(certificate)
        raise InputError("certificate", where, f"is rejected: {error}", "make it again") from None
    return lines[-1]


def loss(
    name: str,
    model: Given,
    linear_map: LinearMap | Mapping[str, Any],
    *,
    bias: Number | None = None,
    weight_decay: Number = 0,
    digits: int = 30,
) -> Enclosure:
    """Return an interval of rationals that contains the population loss of a linear map, or of what its file holds.

    Raises InputError when there is no such loss, or it does not fit the model or the map.
    """
    from thmverify.losses import find_loss
    from thmverify.losses.levels import enclose

    found, given = find_loss(name), instance(model, bias=bias, weight_decay=weight_decay)
    return enclose(found, given, parse_map({**linear_map}) if isinstance(linear_map, Mapping) else linear_map, digits)


def minimise(
    name: str,
    model: Given,
    *,
    bias: Number | None = None,
    rank: int | None = None,
    weight_decay: Number = 0,
    digits: int | None = None,
) -> Minimiser:
    """Return a proposed minimiser of a loss over maps with r columns; `decide` judges what is claimed of it.

    Raises InputError when there is no such loss, or it does not fit the model.
    """
    from thmverify.minimize import minimise as proposed

    return proposed(name, instance(model, bias=bias, rank=rank, weight_decay=weight_decay), rank, digits)


def hunt(
    statement: str,
    *,
    settings: Mapping[str, Any] | None = None,
    drop: Sequence[str] = (),
    seed: int = 0,
    budget: str | float = "60s",
    out: str | os.PathLike[str] = "hunts",
    observe: Callable[[Progress], None] | None = None,
) -> Result:
    """Hunt for a counterexample to a statement, as `thmverify hunt` does, and return how it ended.

    `settings` are those of `--set`, `drop` hypotheses to go without, `budget` seconds or text such as "5m" or "2000ev".
    What is done is in the ledger in the folder `out`. `observe` is told of every round; in a notebook a line shows how
    far the hunt is.

    Raises InputError when the statement cannot be hunted.
    """
    from thmverify.budget import Budget
    from thmverify.hunting.ledger import Ledger
    from thmverify.hunting.questions import ask
    from thmverify.hunting.run import Plan
    from thmverify.hunting.run import hunt as run
    from thmverify.notebook import live

    question = ask(statement, [f"{key}={value}" for key, value in (settings or {}).items()], drop)
    limit = Budget.parse(budget) if isinstance(budget, str) else Budget(float(budget))
    ledger = Ledger(Path(out))
    try:
        return run(Plan(question, seed), ledger, limit, observe=observe or live())
    finally:
        ledger.close()


def cover(statement: str, *, distance: Number = "any", budget: str | float = "10m") -> Covering:
    """Prove a statement on a whole set of instances by boxes, as `thmverify cover` does, and return what was found.

    The set: whitened means are at most `distance` apart. Boxes that are left are in `remaining`; the certificate, which
    `check` verifies, is None unless there are none. `budget` is seconds or text such as "5m".

    Raises InputError when the statement has no cover, or the kernel refuses the set.

    >>> cover("infonce-equality-three", distance=1).share
    Fraction(1, 1)
    """
    from thmverify.budget import Budget
    from thmverify.covering import Region, propose

    limit = Budget.parse(budget).seconds if isinstance(budget, str) else float(budget)
    return propose(statement, Region.of(distance), limit)


def near(
    statement: str,
    model: Given,
    *,
    radius: Number | None = None,
    bias: Number | None = None,
    rank: int | None = None,
    weight_decay: Number = 0,
) -> Neighbourhood:
    """Decide the conclusion of a statement for every instance near one at once, as `thmverify decide --box` does.

    Within a radius, weights and bias differ by at most that, means by at most so many standard deviations, in their
    span; without one the largest of two digits is looked for. Its certificate is for `check`.

    Raises InputError when the statement has no rule for sets, or does not fit the model.

    >>> import thmverify as tv
    >>> line = tv.SharedGMM(["1/2", "1/2"], [["1"], ["-1"]])
    >>> near("infonce-equality", line, bias=1, radius="1/10").outcome
    <Outcome.PROVED: 'proved'>
    """
    from thmverify.covering.around import around
    from thmverify.rationals import rational

    found = registry().find(statement, "statement")
    reach = None if radius is None else rational("radius", radius)
    return around(found.claim or found.id, instance(model, bias=bias, rank=rank, weight_decay=weight_decay), reach)


def chart(family: Mapping[str, Any], *, budget: str | float = "10m", radius: Number = 0) -> Map:
    """Map where InfoNCE's Col(A*) = S_F is proved and where it is refuted on a family of instances, box by box.

    The family is {"instance": …, "axes": […]}, as in the file of `thmverify cover --set slice=FILE`. What could not be
    settled in the budget, seconds or text such as "5m", is left open; the certificate is of the rest. With a radius a
    box stands for all instances near those of the family, as in `near`.

    Raises InputError when the family is not one, or the radius not from 0 to 1.
    """
    from thmverify.budget import Budget
    from thmverify.covering.maps import Family
    from thmverify.covering.maps import chart as charted
    from thmverify.rationals import rational

    limit = Budget.parse(budget).seconds if isinstance(budget, str) else float(budget)
    return charted(Family.of(dict(family), rational("radius", radius)), limit)
