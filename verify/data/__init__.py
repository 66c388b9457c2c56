"""Data in: mixtures from floats, from models of scikit-learn, and from tables in files; each says what it rounds."""

from __future__ import annotations

from thmverify.data.fitting import SHAPES, fit, from_sklearn
from thmverify.data.reading import Table, read_table
from thmverify.data.rounding import MAX_DIGITS, Rounded, from_floats

__all__ = ["MAX_DIGITS", "SHAPES", "Rounded", "Table", "fit", "from_floats", "from_sklearn", "read_table"]
