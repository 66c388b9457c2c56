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
    """A formula for people (LaTeX, set as MathML), and the text that is checked.

    `sympy` is the expression that an instance is evaluated on; `kernel` is what the kernel derived, as it writes it.
    """

    latex: str
    sympy: str = ""
    kernel: str = ""
