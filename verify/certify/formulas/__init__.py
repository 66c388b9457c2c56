"""Claims of your own: formulas, written in Python or SymPy, that the kernel evaluates on an instance.

>>> from thmverify.certify.formulas import certify, name, record
>>> certify("below", name("x") ** 2 < 2, record(x="1.4")).data[:42]
b'{"format":"thmverify-formula-1","claim":"b'
"""

from thmverify.certify.formulas.expressions import (
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
from thmverify.certify.formulas.margins import margins
from thmverify.certify.formulas.proposing import FormulaCertificate, Undecided, certify, check
from thmverify.certify.formulas.translation import from_sympy

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
