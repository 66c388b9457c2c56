"""The arithmetic of formulas: rationals as long as they are rational, balls from there on, and what is certain.

A number is an fmpq or an arb, a matrix an fmpq_mat or an arb_mat. What has no value that is certain is `Undefined`; a
truth that is not certain is None. Below are what operations cost, and then what they are.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from thmverify.kernel import linear
from thmverify.kernel.strict import Rejected

Value: TypeAlias = Any  # fmpq | fmpq_mat | arb | arb_mat
Truth: TypeAlias = bool | None
MAX_WORK = 3 * 10**7  # multiplications · bits, of all steps of a formula: half a minute at most
MAX_POWER = 10**4  # of an exponent, or a number of summands
_EASY = 64  # a bit of a sum, a product or a ball is so many times cheaper than one in an exact elimination


class Undefined(Exception):  # noqa: N818 (it is an answer)
    """A term has no certain value; the message says why, with {0}, {1} for the arguments of the operation."""


def shape(x: Any) -> tuple[int, ...]:
    """Return () of a number, (m, n) of a matrix, (K, m, n) of a list of K."""
    if isinstance(x, list):
        return len(x), x[0].nrows(), x[0].ncols()
    return () if isinstance(x, fmpq | arb) else (x.nrows(), x.ncols())


def is_ball(x: Value) -> bool:
    """Return whether the value is enclosed, not exact."""
    return isinstance(x, arb | arb_mat)


def ball(x: Value) -> Value:
    """Return a ball around the value."""
    return x if is_ball(x) else arb_mat(x) if shape(x) else arb(x)


def alike(x: Value, y: Value) -> tuple[Value, Value]:
    """Return both exact, or both in balls."""
    return (x, y) if is_ball(x) == is_ball(y) else (ball(x), ball(y))


def integer(x: Value, what: str, low: int, high: int) -> int:
    """Return an exact integer between `low` and `high`. Raises Rejected for anything else."""
    if not isinstance(x, fmpq) or x.q != 1 or not low <= x <= high:
        raise Rejected(f"{what} is not known to be an integer between {low} and {high}")
    return int(x.p)


def bits(x: Value) -> int:
    """Return the bits of a number, of the entries of a matrix over their common denominator, or of balls."""
    if is_ball(x):
        return int(ctx.prec)
    above, below = (x if shape(x) else fmpq_mat(1, 1, [x])).numer_denom()
    return int(below.height_bits() + max((y.height_bits() for y in above.entries()), default=0))


def _price(n: int) -> int:
    return (n + _EASY) * (1 + n // 10**4) // _EASY


def reading(*values: Value) -> int:
    """Return the work of looking at values, or adding them: entries · bits, four times, as entries are taken out."""
    sizes = (shape(x) or (1, 1) for x in values)
    return 4 * sum(m * n * _price(bits(x)) for x, (m, n) in zip(values, sizes, strict=True))


def multiplication(x: Value, y: Value) -> int:
    """Return the work of a product."""
    (k, m), (_, n) = shape(x) or (1, 1), shape(y) or (1, 1)
    return k * m * n * _price(bits(x) + bits(y))


def powering(x: Value, n: Value) -> int:
    """Return the work of a power, which may be |n| times as long."""
    times, (m, _) = abs(integer(n, "an exponent", -MAX_POWER, MAX_POWER)), shape(x) or (1, 1)
    length = bits(x) + m
    return elimination(x) + m**3 * _price(length if is_ball(x) else times * length) * times.bit_length()


def elimination(x: Value) -> int:
    """Return the work of an elimination: n³·N·bits, as in `parse.check_work`, since exact numbers grow on the way."""
    least, most = sorted(shape(x) or (1, 1))
    return least**2 * most * (_price(bits(x)) if is_ball(x) else least * bits(x))


def inclusion(x: Value, y: Value) -> int:
    """Return the work of `within`: an elimination of [y x], or in balls one for each column of x."""
    least, most = sorted((x.nrows(), x.ncols() + y.ncols()))
    if is_ball(x) or is_ball(y):
        return int(least**2 * most * (x.ncols() + 1) * _price(bits(x) + bits(y))) + elimination(y)
    return int(least**3 * most * (bits(x) + bits(y)))


def add(x: Value, y: Value) -> Value:
    """Return x + y."""
    x, y = alike(x, y)
    return x + y


def subtract(x: Value, y: Value = None) -> Value:
    """Return x − y, or −x."""
    return -x if y is None else add(x, -y)


def multiply(x: Value, y: Value) -> Value:
    """Return x·y, of numbers, matrices, or one of each."""
    x, y = alike(x, y)
    return x * y if shape(x) else y * x


def divide(x: Value, y: Value) -> Value:
    """Return x/y. Raises Undefined unless y ≠ 0 is certain."""
    if not y != 0:
        raise Undefined("division by {1}, which is not proved to be different from 0")
    return multiply(x, 1 / y)


def inverse(x: Value) -> Value:
    """Return x⁻¹ of a matrix. Raises Undefined unless it is certain that there is one."""
    try:
        return x.inv()
    except ZeroDivisionError:
        raise Undefined("inverse of {0}, which is not proved to be invertible") from None


def power(x: Value, n: Value) -> Value:
    """Return xⁿ of a number or a square matrix; x⁰ is 1. Raises Undefined for n < 0 where x⁻¹ may not be there."""
    if (exponent := int(n.p)) < 0 and not shape(x) and not x != 0:
        raise Undefined("negative power of {0}, which is not proved to be different from 0")
    base = x if exponent >= 0 else inverse(x) if shape(x) else 1 / x  # python-flint: arb(0, 1) ** 1 is nan
    return (arb_mat([[base]]) ** abs(exponent))[0, 0] if isinstance(base, arb) else base ** abs(exponent)


def exponential(x: Value) -> Value:
    """Return exp x; exp 0 is exact."""
    return fmpq(1) if x == 0 else ball(x).exp()


def logarithm(x: Value) -> Value:
    """Return log x; log 1 is exact. Raises Undefined unless x > 0 is certain."""
    if not x > 0:
        raise Undefined("log of {0}, which is not proved to be positive")
    return fmpq(0) if x == 1 else ball(x).log()


def rank(x: Value) -> Value:
    """Return the rank; of balls where it is certainly full. Raises Undefined where it is not."""
    if not is_ball(x):
        return fmpq(x.rank())
    if not full(x if x.nrows() < x.ncols() else x.transpose()):
        raise Undefined("rank of {0}, which is neither rational nor proved to be full")
    return fmpq(min(shape(x)))


def full(x: Value) -> bool:
    """Return whether the rows are certainly independent."""
    return definite(x * x.transpose()) is True


def entry(x: Value, i: Value, j: Value) -> Value:
    """Return x_ij."""
    return x[integer(i, "the index of a row", 0, x.nrows() - 1), integer(j, "the index of a column", 0, x.ncols() - 1)]


def column(x: Value, j: Value) -> Value:
    """Return a column, as a matrix."""
    return type(x)(x.nrows(), 1, [entry(x, fmpq(i), j) for i in range(x.nrows())])


def member(x: list[Value], k: Value) -> Value:
    """Return one of a family of matrices."""
    return x[integer(k, "the index of a matrix", 0, len(x) - 1)]


def equal(x: Value, y: Value) -> Truth:
    """Decide x = y."""
    x, y = alike(x, y)
    pairs = list(zip(x.entries(), y.entries(), strict=True)) if shape(x) else [(x, y)]
    return False if any(a != b for a, b in pairs) else True if all(a == b for a, b in pairs) else None


def less(x: Value, y: Value) -> Truth:
    """Decide x < y."""
    x, y = alike(x, y)
    return True if x < y else False if y <= x else None


def definite(x: Value, strictly: bool = True) -> Truth:
    """Decide vᵀxv > 0, or vᵀxv ≥ 0, for all v ≠ 0: by inertia, or in balls by the pivots of an elimination."""
    x, n = x + x.transpose(), x.nrows()
    if not is_ball(x):
        positive, negative = linear.inertia(x)
        return bool(positive == n if strictly else negative == 0)
    for j in range(n):
        pivot = x[j, j]
        if not pivot > 0:
            return False if (pivot <= 0 if strictly else pivot < 0) else None
        for i in range(j + 1, n):
            for k in range(j + 1, n):
                x[i, k] -= x[i, j] * x[j, k] / pivot
    return True


def within(x: Value, y: Value) -> Truth:
    """Decide Col(x) ⊆ Col(y); in balls yes when Col(y) is everything, no when a column of x is independent of y's."""
    if not is_ball(x) and not is_ball(y):
        return linear.within(x, y)
    if y.nrows() <= y.ncols() and full(ball(y)):
        return True
    basis = ball(y if is_ball(y) else linear.column_basis(y)).transpose().tolist()
    apart = len(basis) < y.nrows() and any(full(arb_mat([*basis, a])) for a in ball(x).transpose().tolist())
    return False if apart else None


def every(*truths: Truth) -> Truth:
    """Return the conjunction: false when one is false, true when all are true."""
    return False if False in truths else None if None in truths else True


def some(*truths: Truth) -> Truth:
    """Return the disjunction: true when one is true, false when all are false."""
    return True if True in truths else None if None in truths else False


def negated(truth: Truth) -> Truth:
    """Return the negation."""
    return None if truth is None else not truth


def _nothing(*_: Any) -> int:
    return 0


# The shapes that an operation takes, and that of what it makes: `.` a number, `?` a formula, letters the sizes of a
# matrix; the function; what it costs.
OPERATIONS: dict[str, tuple[str, Callable[..., Any], Callable[..., int]]] = {
    "+": (". . . | mn mn mn", add, reading),
    "-": (". . | mn mn | . . . | mn mn mn", subtract, reading),
    "*": (". . . | . mn mn | mn . mn | mk kn mn", multiply, multiplication),
    "/": (". . . | mn . mn", divide, multiplication),
    "^": (". . . | nn . nn", power, powering),
    "exp": (". .", exponential, reading),
    "log": (". .", logarithm, reading),
    "transpose": ("mn nm", lambda x: x.transpose(), reading),
    "inverse": ("nn nn", inverse, elimination),
    "trace": ("nn .", lambda x: sum((x[i, i] for i in range(x.nrows())), fmpq(0)), reading),
    "determinant": ("nn .", lambda x: x.det(), elimination),
    "rank": ("mn .", rank, elimination),
    "entry": ("mn . . .", entry, _nothing),
    "column": ("mn . m1", column, _nothing),
    "member": ("Kmn . mn", member, _nothing),
    "=": (". . ? | mn mn ?", equal, reading),
    "<": (". . ?", less, reading),
    "<=": (". . ?", lambda x, y: negated(less(y, x)), reading),
    "within": ("mk mn ?", within, inclusion),
    "definite": ("nn ?", definite, elimination),
    "semidefinite": ("nn ?", partial(definite, strictly=False), elimination),
    "not": ("? ?", negated, _nothing),
    "and": ("? ? ?", every, _nothing),
    "or": ("? ? ?", some, _nothing),
}
