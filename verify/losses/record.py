"""The record of a loss: all that the toolkit says of it and does with it, in one place.

Help texts, error messages, the guarantee matrix's rows, the table in the docs and the minimisers' dispatch are read off
the records. A record that lacks a part is refused when it is made.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from fractions import Fraction
from functools import partial
from typing import Any, TypeAlias, get_args

from thmverify.errors import InputError
from thmverify.losses.expressions import GradientExpression, ValueExpression
from thmverify.maps import LinearMap
from thmverify.models import Instance

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MODELS = ("shared-gmm", "gmm", "clip-gmm", "population-graph")

Value: TypeAlias = Callable[[Instance, LinearMap], ValueExpression]
Gradient: TypeAlias = Callable[[Instance, LinearMap], dict[str, GradientExpression]]
Settings: TypeAlias = Mapping[str, Fraction]


class Sense(StrEnum):
    """What is done with a loss."""

    MINIMISED = "minimised"
    MAXIMISED = "maximised"
    STATIONARY = "made stationary"


@dataclass(frozen=True)
class Parameter:
    """A number that a loss takes besides the instance and the map: its default, and the interval it lies in.

    `open_below` excludes `least` itself; `whole` asks for a whole number.
    """

    name: str
    default: Fraction
    meaning: str
    least: Fraction | None = None
    open_below: bool = False
    most: Fraction | None = None
    whole: bool = False

    def checked(self, value: Fraction) -> Fraction:
        """Return the value.

        Raises InputError when it lies outside the interval, or is no whole number where it must be one.
        """
        if self.whole and value.denominator != 1:
            raise InputError(self.name, str(value), "must be a whole number", self.meaning)
        sign = ">" if self.open_below else "≥"
        low = self.least is not None and (value <= self.least if self.open_below else value < self.least)
        if low:
            raise InputError(self.name, str(value), f"must be {sign} {self.least}", self.meaning)
        if self.most is not None and value > self.most:
            raise InputError(self.name, str(value), f"must be ≤ {self.most}", self.meaning)
        return value


@dataclass(frozen=True)
class Traced:
    """What a loss was made from: its formula, of (instance, settings, *matrices), and where the matrices come from."""

    formula: Callable[..., Any]
    variables: Any


@dataclass(frozen=True)
class Row:
    """A row of the guarantee matrix; one that is not shown `always` appears once a statement names it."""

    name: str
    title: str
    always: bool = True


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A population loss of a linear map.

    name: as written on the command line. title: as printed. formula: LaTeX. sense: what is done with it.
    normalisation: how it compares with the usual code. models: those of instance files that it takes. maps: the
    classes of `thmverify.maps` that it takes; map_shape: the map files, as text. value, gradient: exact expressions of
    (instance, map); each raises InputError where the loss is not defined. example: an instance file and a map file.
    rows: its rows of the guarantee matrix. minimiser: (instance, rank) → Minimiser, with the settings as a further
    argument where the loss has parameters, and an `Effort` where it is `budgeted`; polisher: (minimiser, instance,
    digits) → Minimiser, with the settings likewise; where they are left out, general-purpose ones work from value and
    gradient. parameters, build:
    numbers that it takes besides, and the function that makes the value and the gradient from them; settings: their
    values. expression: the formula that it was made from, if it was (`from_formula`). origin: the distribution or file
    that it comes from.

    Raises InputError when a part is missing or malformed.
    """

    name: str
    title: str
    formula: str
    sense: Sense
    normalisation: str
    models: tuple[str, ...]
    maps: tuple[type[Any], ...]
    map_shape: str
    value: Value
    gradient: Gradient
    example: tuple[str, str]
    rows: tuple[Row, ...] = ()
    minimiser: Callable[..., Any] | None = None
    budgeted: bool = False
    polisher: Callable[..., Any] | None = None
    parameters: tuple[Parameter, ...] = ()
    build: Callable[[Settings], tuple[Value, Gradient]] | None = None
    settings: Settings = field(default_factory=dict)
    expression: Traced | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise InputError("Loss.name", self.name, "is not words in lower case joined by -", 'write "my-loss"')
        for part in ("title", "formula", "normalisation", "map_shape"):
            text = getattr(self, part)
            if not isinstance(text, str) or not text.strip():
                rule = f"is no text: the record of {self.name} is incomplete"
                raise InputError(f"Loss.{part}", text, rule, "every loss says this of itself")
        self._check_kinds()
        if bool(self.parameters) != (self.build is not None):
            rule = f"and build come together, unlike in the record of {self.name}"
            raise InputError("Loss.parameters", [p.name for p in self.parameters], rule, "give both, or neither")

    def _check_kinds(self) -> None:
        if not isinstance(self.sense, Sense):
            raise InputError("Loss.sense", self.sense, "is no Sense", "write Sense.MINIMISED, for example")
        if not self.models or any(model not in _MODELS for model in self.models):
            raise InputError("Loss.models", self.models, "names no model", f"choose from {', '.join(_MODELS)}")
        kinds = get_args(LinearMap)
        if not self.maps or any(kind not in kinds for kind in self.maps):
            known = ", ".join(kind.__name__ for kind in kinds)
            raise InputError("Loss.maps", self.maps, "names no class of maps", f"choose from {known}")
        for part in ("value", "gradient"):
            if not callable(getattr(self, part)):
                rule = f"is no function: the record of {self.name} is incomplete"
                raise InputError(f"Loss.{part}", getattr(self, part), rule, "give a function of an instance and a map")
        if len(self.example) != 2 or not all(isinstance(x, str) and x for x in self.example):
            raise InputError("Loss.example", self.example, "is not two files", "give an instance file and a map file")

    def check_model(self, instance: Instance) -> None:
        """Raise InputError when the loss does not take the model of an instance."""
        taken = (*self.models, "gmm") if "shared-gmm" in self.models else self.models  # whose covariances may be equal
        if instance.kind not in taken:
            rule = f"is not a model that the loss {self.name} takes"
            raise InputError("model", instance.kind, rule, f"use {' or '.join(self.models)}")

    def at(self, settings: Settings) -> Loss:
        """Return the loss with these values of its parameters; the others keep theirs.

        Raises InputError when there is no such parameter, or a value lies outside its interval.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name, number in settings.items():
            if name not in known:
                takes = f"write one of {', '.join(known)}" if known else "leave it out"
                raise InputError("parameter", name, f"is not a parameter of the loss {self.name}", takes)
            known[name].checked(number)
        if self.build is None:
            return self
        chosen = {p.name: p.default for p in self.parameters} | dict(self.settings) | dict(settings)
        value, gradient = self.build(chosen)
        return replace(self, value=value, gradient=gradient, settings=chosen)


def deferred(path: str) -> Callable[..., Any]:
    """Return the function "module:name" of this package, imported when it is first called.

    Records name their minimisers so, which stand on a higher floor and load SciPy.
    """
    return partial(_call, path)


def resolve(path: str) -> Callable[..., Any]:
    """Return the function "module:name" of this package."""
    module, _, name = path.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f"...{module}", __name__), name)
    return found


def _call(path: str, *arguments: Any) -> Any:
    return resolve(path)(*arguments)


FIELDS = tuple(part.name for part in fields(Loss))
