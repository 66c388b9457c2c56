"""What every record of a report is made of: immutable classes that know all their fields, formulas, instances."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, WithJsonSchema

# The schema of its content is that of instance files.
InstanceJson: TypeAlias = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]


class Record(BaseModel):
    """An immutable record that knows all its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Formula(Record):
    """A formula for people (LaTeX, set as MathML) and the SymPy expression that the checks evaluate."""

    latex: str
    sympy: str = ""
