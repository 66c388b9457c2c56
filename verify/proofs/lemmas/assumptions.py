"""A model in a script: its hypotheses as assumptions, made when first used, and what follows from its weights."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

from thmverify.proofs.expressions import Expr
from thmverify.proofs.lemmas.basic import nonempty
from thmverify.proofs.script import Line, Script


class Assumptions:
    """The hypotheses of a model in a script, by the names that statements use."""

    HYPOTHESES: ClassVar[Mapping[str, Expr]]

    def __init__(self, script: Script) -> None:
        """Take the script; nothing is assumed yet."""
        self.s = script

    def hypothesis(self, name: str) -> Line:
        """A hypothesis by its name, assumed."""
        return self.s.assume(self.HYPOTHESES[name])


class WeightedAssumptions(Assumptions):
    """The hypotheses of a model whose components k < K have weights."""

    @cached_property
    def positive(self) -> Line:
        """∀k. 0 < w_k."""
        return self.hypothesis("weights-positive")

    @cached_property
    def weights_sum(self) -> Line:
        """Σ_k w_k = 1."""
        return self.hypothesis("weights-sum")

    @cached_property
    def nonempty(self) -> Line:
        """1 ≤ K."""
        return nonempty(self.s, self.weights_sum)
