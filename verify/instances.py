"""Instance files and map files: what a user writes, checked field by field, and the exact objects it stands for.

The formats are described in `docs/pages/instance.md`; their JSON Schemas, generated from the classes below, are
published in `verify/schemas/`. Every number is an integer or a string ("93/100", "0.93", "-5") and is read exactly.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, get_args

from flint import fmpq_mat
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic.functional_validators import BeforeValidator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from thmverify import exact, rationals
from thmverify.errors import InputError, one_of
from thmverify.exact import Diagonal, Rows
from thmverify.jsonfiles import RefusedNumber, read_object
from thmverify.maps import BiasedEncoder, CLIPFactors, CLIPProduct, Encoder, Gram, LinearMap, SimSiamPair
from thmverify.models import (
    CLIPGMM,
    GMM,
    AugmentedPairs,
    Instance,
    PairedGMM,
    PopulationGraph,
    Record,
    SharedGMM,
    Value,
)

MAX_SIZE = 64  # components, columns of a map
MAX_DENSE = 200  # rows of a covariance that is not diagonal, and of a d × d map
MAX_DIMENSION = 10**4
MAX_POINTS = 256  # of a graph


def parse_rational(value: object) -> Fraction:
    """Return the rational that an integer or a string such as "93/100", "0.93" or "-5" stands for.

    Raises PydanticCustomError, whose context holds the rule and the remedy, for anything else.
    """
    if isinstance(value, RefusedNumber):
        raise _broken(value.rule, value.remedy)
    try:
        return rationals.read(value)
    except rationals.NotRationalError as error:
        raise _broken(error.rule, error.remedy) from None


def _broken(rule: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "remedy": remedy})


Rational = Annotated[
    Fraction,
    BeforeValidator(parse_rational),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer"},
                {"type": "string", "pattern": rf"^{rationals.PATTERN}$", "maxLength": rationals.MAX_DIGITS},
            ]
        }
    ),
]
Weights = Annotated[list[Rational], Field(min_length=1, max_length=MAX_SIZE)]
Point = Annotated[list[Rational], Field(min_length=1, max_length=MAX_DIMENSION)]
Means = Annotated[list[Point], Field(min_length=1, max_length=MAX_SIZE)]
Columns = Annotated[list[Weights], Field(min_length=1, max_length=MAX_DIMENSION)]
Square = Annotated[
    list[Annotated[list[Rational], Field(min_length=1, max_length=MAX_DENSE)]],
    Field(min_length=1, max_length=MAX_DENSE),
]
GraphMatrix = Annotated[
    list[Annotated[list[Rational], Field(min_length=1, max_length=MAX_POINTS)]],
    Field(min_length=1, max_length=MAX_POINTS),
]


def _kind_of_covariance(value: object) -> str:
    if not isinstance(value, list):
        return "scalar"
    return "diagonal" if value and not isinstance(value[0], list) else "matrix"


Covariance = Annotated[
    Annotated[Rational, Tag("scalar")] | Annotated[Point, Tag("diagonal")] | Annotated[Square, Tag("matrix")],
    Discriminator(_kind_of_covariance),
]
Covariances = Annotated[list[Covariance], Field(min_length=1, max_length=MAX_SIZE)]
Rank = Annotated[int, Field(strict=True, ge=1, le=MAX_SIZE)]


def _not_null(value: object) -> object:
    if value is None:
        raise _broken("is null", "leave the field out to have its default")
    return value


def _drop_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


# A field that may be left out, but not be null.
OptionalCovariance = Annotated[
    Covariance | SkipJsonSchema[None], BeforeValidator(_not_null), Field(json_schema_extra=_drop_default)
]
OptionalCovariances = Annotated[
    Covariances | SkipJsonSchema[None], BeforeValidator(_not_null), Field(json_schema_extra=_drop_default)
]
OptionalSquare = Annotated[
    Square | SkipJsonSchema[None], BeforeValidator(_not_null), Field(json_schema_extra=_drop_default)
]
OptionalRank = Annotated[
    Rank | SkipJsonSchema[None], BeforeValidator(_not_null), Field(json_schema_extra=_drop_default)
]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class SharedGMMFile(_File):
    """A mixture whose components share a covariance (a number: a multiple of the identity; omitted: the identity)."""

    model: Literal["shared-gmm"]
    weights: Weights
    means: Means
    covariance: OptionalCovariance = None
    bias: Rational = Fraction(1)
    rank: OptionalRank = None
    weight_decay: Rational = Fraction(0)

    def build(self) -> Instance:
        """Return the exact instance."""
        pairs = AugmentedPairs(SharedGMM(self.weights, self.means, self.covariance), self.bias)
        return Instance(pairs, self.rank, self.weight_decay)


class GMMFile(_File):
    """A mixture with a covariance for each component."""

    model: Literal["gmm"]
    weights: Weights
    means: Means
    covariances: Covariances
    bias: Rational = Fraction(1)
    rank: OptionalRank = None
    weight_decay: Rational = Fraction(0)

    def build(self) -> Instance:
        """Return the exact instance."""
        pairs = AugmentedPairs(GMM(self.weights, self.means, self.covariances), self.bias)
        return Instance(pairs, self.rank, self.weight_decay)


class ModalityFile(_File):
    """One modality of a paired mixture: its components share a covariance, or each has one of its own."""

    means: Means
    covariance: OptionalCovariance = None
    covariances: OptionalCovariances = None

    def build(self, weights: list[Fraction]) -> GMM:
        """Return the exact mixture."""
        if self.covariances is None:
            return SharedGMM(weights, self.means, self.covariance)
        if self.covariance is not None:
            raise InputError("covariance", "given", "stands beside covariances", "leave one of them out")
        return GMM(weights, self.means, self.covariances)


class CLIPGMMFile(_File):
    """A paired mixture: one Gaussian in each modality for each component."""

    model: Literal["clip-gmm"]
    weights: Weights
    vision: ModalityFile
    text: ModalityFile
    bias: Rational = Fraction(1)
    rank: OptionalRank = None

    def build(self) -> Instance:
        """Return the exact instance."""
        vision = self._modality("vision", self.vision)
        text = self._modality("text", self.text)
        if isinstance(vision, SharedGMM) and isinstance(text, SharedGMM):
            return Instance(CLIPGMM(vision, text, self.bias), self.rank)
        return Instance(PairedGMM(vision, text, self.bias), self.rank)

    def _modality(self, name: str, modality: ModalityFile) -> GMM:
        try:
            return modality.build(self.weights)
        except InputError as error:
            raise (error if error.field.startswith("weights") else error.under(name)) from None


class PopulationGraphFile(_File):
    """A finite graph of augmentations with a label for each point."""

    model: Literal["population-graph"]
    weights: GraphMatrix
    labels: list[Annotated[int, Field(strict=True)]]
    rank: OptionalRank = None

    def build(self) -> Instance:
        """Return the exact instance."""
        graph = PopulationGraph(_frozen(self.weights), tuple(self.labels))
        return Instance(graph, self.rank)


class RecordFile(_File):
    """Numbers, columns and matrices by name: an instance of a model of one's own."""

    model: Literal["record"]
    values: Annotated[dict[str, Any], Field(min_length=1, max_length=MAX_SIZE)]

    def build(self) -> Instance:
        """Return the exact instance."""
        values = {name: _taken(f"values.{name}", value) for name, value in self.values.items()}
        try:
            return Instance(Record(**values))
        except InputError as error:
            raise (error if error.field == "values" else error.under("values")) from None


def _taken(field: str, value: Any) -> Any:
    """Return the value, its numbers read. Raises InputError with the field and the number as they were written."""
    if isinstance(value, list):
        return [_taken(f"{field}[{i}]", x) for i, x in enumerate(value)]
    if isinstance(value, RefusedNumber):
        raise InputError(field, value.text, value.rule, value.remedy)
    return rationals.rational(field, value)


_InstanceFiles: TypeAlias = SharedGMMFile | GMMFile | CLIPGMMFile | PopulationGraphFile | RecordFile
InstanceFile: TypeAlias = Annotated[_InstanceFiles, Field(discriminator="model")]


class EncoderFile(_File):
    """f(x) = Aᵀx with A of d × r; with P (r × r), SimSiam's encoder and predictor; with b, a bias of the scores."""

    A: Columns
    P: OptionalSquare = None
    b: Rational = Fraction(0)

    def build(self) -> LinearMap:
        """Return the exact map."""
        A = _rectangular("A", self.A)
        if "b" in self.model_fields_set:
            if self.P is not None:
                raise InputError("b", str(self.b), "stands beside P", "a predictor has no bias: leave one of them out")
            return BiasedEncoder(A, exact.to_fmpq(self.b))
        return Encoder(A) if self.P is None else SimSiamPair(A, _rectangular("P", self.P))


class GramFile(_File):
    """M = AAᵀ, symmetric positive semidefinite, d × d."""

    M: Square

    def build(self) -> LinearMap:
        """Return the exact map."""
        return Gram(_rectangular("M", self.M))


class CLIPFactorsFile(_File):
    """A_V (d_V × r) and A_T (d_T × r)."""

    A_V: Columns
    A_T: Columns

    def build(self) -> LinearMap:
        """Return the exact map."""
        return CLIPFactors(_rectangular("A_V", self.A_V), _rectangular("A_T", self.A_T))


class CLIPProductFile(_File):
    """W = A_V A_Tᵀ (d_V × d_T)."""

    W: Square

    def build(self) -> LinearMap:
        """Return the exact map."""
        return CLIPProduct(_rectangular("W", self.W))


_INSTANCES: TypeAdapter[Any] = TypeAdapter(InstanceFile)
_MODELS: dict[str, type[_InstanceFiles]] = {
    get_args(form.model_fields["model"].annotation)[0]: form for form in get_args(_InstanceFiles)
}
_MAPS: dict[str, type[EncoderFile | GramFile | CLIPFactorsFile | CLIPProductFile]] = {
    "M": GramFile,
    "A_V": CLIPFactorsFile,
    "A_T": CLIPFactorsFile,
    "W": CLIPProductFile,
    "A": EncoderFile,
}
_MAP_REMEDY = 'give {"A": …}, {"M": …}, {"A_V": …, "A_T": …}, {"W": …} or {"A": …, "P": …}'


def _frozen(rows: list[list[Fraction]]) -> Rows:
    return tuple(tuple(row) for row in rows)


def _rectangular(name: str, rows: list[list[Fraction]]) -> fmpq_mat:
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            rule = f"has {len(row)} entries where row 0 has {len(rows[0])}"
            raise InputError(f"{name}[{i}]", [str(x) for x in row], rule, "give every row the same length")
    return exact.matrix(rows)


Parsed = TypeVar("Parsed")


def read_file(path: str | os.PathLike[str], parse: Callable[[dict[str, Any]], Parsed]) -> Parsed:
    """Return what the JSON object in a file is parsed to. Raises InputError naming the file, field, value and rule."""
    path = example(path)
    data = read_object(path)
    try:
        return parse(data)
    except InputError as error:
        raise error.in_file(os.fspath(path)) from None


def example(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Return the file that is meant: a bare name, or one in examples/, that is no file here is an example that ships.

    >>> Path(example("deficient")).name, example("mine.json")
    ('deficient.json', 'mine.json')
    """
    given = Path(path)
    ours = not given.is_absolute() and (
        given.parts[:-1] == ("examples",) or (len(given.parts) == 1 and not given.suffix)
    )
    if not ours or os.path.lexists(given):
        return path
    shipped = Path(str(files("thmverify.examples"))) / f"{given.stem}.json"
    return shipped if shipped.is_file() else path


def read_instance(path: str | os.PathLike[str]) -> Instance:
    """Return the instance in the file at `path`.

    Raises InputError naming the file, the field, the value and the rule that it breaks.
    """
    return read_file(path, parse_instance)


def parse_instance(data: dict[str, Any]) -> Instance:
    """Return the instance that a decoded JSON object stands for.

    Raises InputError naming the field, the value and the rule that it breaks.
    """
    try:
        parsed = _INSTANCES.validate_python(data)
    except ValidationError as error:
        raise _first_error(error, data, skip=1) from None
    instance: Instance = parsed.build()
    return instance


def read_map(path: str | os.PathLike[str]) -> LinearMap:
    """Return the linear map in the file at `path`.

    Raises InputError naming the file, the field, the value and the rule that it breaks.
    """
    return read_file(path, parse_map)


def parse_map(data: dict[str, Any]) -> LinearMap:
    """Return the linear map that a decoded JSON object stands for.

    Raises InputError naming the field, the value and the rule that it breaks.
    """
    form = next((form for key, form in _MAPS.items() if key in data), None)
    if form is None:
        raise InputError("map", sorted(data), "names no map", _MAP_REMEDY)
    try:
        return form.model_validate(data).build()
    except ValidationError as error:
        raise _first_error(error, data, skip=0) from None


def _first_error(error: ValidationError, data: dict[str, Any], skip: int) -> InputError:
    """Return the first broken rule; `skip` drops the tag of the model from the field's path."""
    first = error.errors(include_url=False)[0]
    name = "model" if first["type"].startswith("union_tag_") else _place(data, first["loc"][skip:], first["type"])
    rule, remedy = _broken_rule(first["type"], first.get("ctx", {}), name)
    form = _MODELS.get(str(data.get("model")))
    if first["type"] == "extra_forbidden" and form is not None and name in data:
        remedy = f"remove it, or mend its spelling: {one_of(name, form.model_fields)}"
    match first["type"]:
        case "missing" | "union_tag_not_found":
            value: object = "missing"
        case "union_tag_invalid":
            value = first["input"].get("model")
        case _:
            value = first["input"]
    return InputError(name, value, rule, remedy)


def _place(data: Any, path: tuple[int | str, ...], kind: str) -> str:
    """Return the field that pydantic's path leads to, as the file has it: a part that leads nowhere is no field."""
    name = ""
    for i, part in enumerate(path):
        missing = kind == "missing" and i == len(path) - 1
        if isinstance(data, dict) and (part in data or missing):
            name, data = f"{name}.{part}", data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            name, data = f"{name}[{part}]", data[part]
    return name.lstrip(".") or "file"


# The kinds of pydantic's errors: the rule that is broken, and what to write instead.
_RULES = {
    "extra_forbidden": ("is not a field of this format", "remove it or mend its spelling"),
    "too_short": ("has no entry", "give at least one"),
    "list_type": ("is not a list", "write a vector as [x, y] and a matrix as a list of its rows"),
    "int_type": ("is not an integer", "write it without quotes, point or exponent, e.g. 3"),
    "string_unicode": ("is not Unicode text", "remove the lone surrogate"),
    "dict_type": ("is not an object", 'write the quantities by name, e.g. {"L": 2, "x": [1, 2]}'),
    **dict.fromkeys(
        ("model_type", "model_attributes_type"), ("is not an object", 'write {"means": …, "covariance": …}')
    ),
    **dict.fromkeys(
        ("greater_than_equal", "less_than_equal"),
        (f"must lie between 1 and {MAX_SIZE}", "give an integer in that range"),
    ),
}


def _broken_rule(kind: str, context: dict[str, Any], name: str) -> tuple[str, str]:
    """Return the rule that pydantic's error `kind` says is broken, and what to write instead."""
    match kind:
        case "rule":
            return context["rule"], context["remedy"]
        case "missing":
            return "is required", f'add "{name}"'
        case "union_tag_not_found":
            return "is required", f'add "model": "shared-gmm", or another of {", ".join(_MODELS)}'
        case "union_tag_invalid":
            return "names no model", f"write one of {context['expected_tags']}"
        case "too_long":
            return "has too many entries", f"give at most {context['max_length']}"
    return _RULES.get(kind, (f"breaks the rule {kind}", "see docs/pages/instance.md"))


def instance_to_json(instance: Instance) -> dict[str, Any]:
    """Return the JSON object that `parse_instance` reads back as an equal instance; every rational is text."""
    model = instance.model
    match model:
        case AugmentedPairs(mixture=mixture):
            data: dict[str, Any] = {"model": instance.kind, "weights": _weights_json(mixture), **_mixture_json(mixture)}
        case PairedGMM(vision=vision, text=text):
            data = {"model": "clip-gmm", "weights": _weights_json(vision)}
            data |= {"vision": _mixture_json(vision), "text": _mixture_json(text)}
        case PopulationGraph():
            data = {
                "model": "population-graph",
                "weights": _matrix_json(model.weights),
                "labels": [*model.labels],
            }
        case Record():
            return _record_json(model)
    if not isinstance(model, PopulationGraph):
        data["bias"] = str(model.bias)
    data["rank"] = instance.rank
    if instance.weight_decay:
        data["weight_decay"] = str(instance.weight_decay)
    return data


def _record_json(record: Record) -> dict[str, Any]:
    """Return the JSON object of a record: what instance files and certificates hold of it."""
    return {"model": "record", "values": {name: _value_json(value) for name, value in record.entries}}


def _value_json(value: Value) -> Any:
    return [_value_json(x) for x in value] if isinstance(value, tuple) else str(value)


def _weights_json(mixture: GMM) -> list[str]:
    return [str(w) for w in mixture.weights]


def _mixture_json(mixture: GMM) -> dict[str, Any]:
    """Return the means and the covariances, or the one that all components share."""
    means = {"means": _matrix_json(mixture.means)}
    if isinstance(mixture, SharedGMM):
        return {**means, "covariance": _covariance_json(mixture.covariance)}
    return {**means, "covariances": [_covariance_json(c) for c in mixture.covariances]}


def _covariance_json(covariance: Rows | Diagonal) -> list[Any]:
    return [str(x) for x in covariance.entries] if isinstance(covariance, Diagonal) else _matrix_json(covariance)


def _matrix_json(rows: Rows) -> list[list[str]]:
    return [[str(x) for x in row] for row in rows]


def instance_schema() -> dict[str, Any]:
    """Return the JSON Schema of instance files."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_INSTANCES.json_schema()}


def map_schema() -> dict[str, Any]:
    """Return the JSON Schema of map files."""
    forms: TypeAdapter[Any] = TypeAdapter(EncoderFile | GramFile | CLIPFactorsFile | CLIPProductFile)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **forms.json_schema()}
