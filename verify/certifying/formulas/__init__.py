"""Claims of your own: formulas, written in Python or SymPy, that the kernel evaluates on an instance.

>>> from thmverify.certifying.formulas import certify, name, record
>>> certify("below", name("x") ** 2 < 2, record(x="1.4")).data[:42]
b'{"format":"thmverify-formula-1","claim":"b'
"""

from thmverify.certifying import Undecided
from thmverify.certifying.formulas.expressions import (
    Expression,
    all_of,
    any_of,
    determinant,
    exp,
    expected_logsumexp,
    expected_softmax,
    expected_softmax_moment,
    identity,
    is_definite,
    is_semidefinite,
    is_within,
    log,
    matrix,
    member,
    name,
    number,
    rank,
    record,
    sum_of,
    trace,
)
from thmverify.certifying.formulas.margins import margins
from thmverify.certifying.formulas.proposing import FormulaCertificate, certify, check
from thmverify.certifying.formulas.translation import from_sympy

__all__ = [
    "Expression",
    "FormulaCertificate",
    "Undecided",
    "all_of",
    "any_of",
    "certify",
    "check",
    "determinant",
    "exp",
    "expected_logsumexp",
    "expected_softmax",
    "expected_softmax_moment",
    "from_sympy",
    "identity",
    "is_definite",
    "is_semidefinite",
    "is_within",
    "log",
    "margins",
    "matrix",
    "member",
    "name",
    "number",
    "rank",
    "record",
    "sum_of",
    "trace",
]
