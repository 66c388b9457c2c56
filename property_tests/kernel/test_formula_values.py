"""The values of formulas: against SymPy, mpmath and quadrature, their own text, and the kernel's other rules."""

from __future__ import annotations

import re
from contextlib import suppress
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from flint import arb, arb_mat, fmpq
from hypothesis import given, settings
from hypothesis import strategies as hst

from property_tests.kernel.library import LEANING, SEPARATE, TRIANGLE
from thmverify import exact
from thmverify import testing as st
from thmverify.certifying import decide
from thmverify.certifying.formulas import (
    certify,
    expected_logsumexp,
    expected_softmax,
    expected_softmax_moment,
    log,
    matrix,
    name,
    record,
    trace,
)
from thmverify.certifying.writing import instance_fields
from thmverify.instances import parse_instance, parse_map
from thmverify.kernel import Rejected
from thmverify.kernel.formulas import evaluate
from thmverify.kernel.formulas.values import Undefined, definite, equal, less, power, rank, shape
from thmverify.losses import find_loss
from thmverify.losses.levels import enclose
from thmverify.models import AugmentedPairs, Instance
from thmverify.testing import examples
from thmverify.verdicts import Outcome

ENTRIES = [["1", "2/3"], ["-1", "2"]], [["2", "1"], ["4", "2"]]
RECORD = record(a="3/2", b=-2, n=2, x=[1, "-1/3"], H=ENTRIES[0], Z=ENTRIES[1])
VALUES: dict[str, Any] = {
    name: sympy.Rational(value)
    if isinstance(value, str)
    else sympy.Matrix([[sympy.Rational(y) for y in (x if isinstance(x, list) else [x])] for x in value])
    for name, value in RECORD["values"].items()
}
NUMBERS = hst.sampled_from(["a", "b", "n", "0", "1", "-3/7"])
MATRICES = hst.sampled_from(["H", "Z", ["identity", "2"], ["matrix", [["0", "1"], ["1/2", "0"]]]])
BALLS = hst.sampled_from([["exp", "b"], ["log", "a"], ["exp", "-3/7"]])
BALL_MATRICES = BALLS.map(lambda t: ["*", t, "H"])


def hints(bits: int = 64, grids: Any = ()) -> dict[str, Any]:
    return {"precision": str(bits), "grids": list(grids)}


def terms(depth: int, matrices: bool, balls: bool) -> hst.SearchStrategy[Any]:
    """Numbers, or 2 × 2 matrices; with exp and log, or without."""
    if depth == 0:
        some = MATRICES if matrices else NUMBERS
        return some | (BALL_MATRICES if matrices else BALLS) if balls else some
    number, square = terms(depth - 1, False, balls), terms(depth - 1, True, balls)
    exponent = hst.sampled_from(["-2", "-1", "0", "1", "3", "n"])
    if matrices:
        return hst.one_of(
            square,
            hst.tuples(hst.just("+"), square, square).map(list),
            hst.tuples(hst.just("-"), square, square).map(list),
            hst.tuples(hst.just("*"), square, square).map(list),
            hst.tuples(hst.just("*"), number, square).map(list),
            hst.tuples(hst.just("/"), square, number).map(list),
            hst.tuples(hst.sampled_from(["transpose", "inverse", "-"]), square).map(list),
            hst.tuples(hst.just("^"), square, exponent).map(list),
            hst.tuples(
                hst.just("*"),
                hst.tuples(hst.just("column"), square, hst.sampled_from("01")).map(list),
                hst.just(["transpose", "x"]),
            ).map(list),
            square.map(lambda X: ["sum", f"k{depth}", "n", ["*", f"k{depth}", X]]),
        )
    return hst.one_of(
        number,
        hst.tuples(hst.sampled_from(["+", "*"]), number, number, number).map(list),
        hst.tuples(hst.sampled_from(["-", "/"]), number, number).map(list),
        hst.tuples(hst.just("-"), number).map(list),
        hst.tuples(hst.just("^"), number, exponent).map(list),
        hst.tuples(
            hst.sampled_from(["trace", "determinant", "rank"] if not balls else ["trace", "determinant"]), square
        ).map(list),
        hst.tuples(hst.just("entry"), square, hst.sampled_from("01"), hst.sampled_from("01")).map(list),
        number.map(lambda t: ["sum", f"k{depth}", "n", ["+", f"k{depth}", t]]),
        hst.tuples(hst.sampled_from(["exp", "log"]) if balls else hst.just("-"), number).map(list),
    )


def evaluated(node: Any, names: dict[str, Any], arithmetic: Any) -> Any:
    """The value of a term by another arithmetic; ZeroDivisionError where it has none."""
    if isinstance(node, str):
        return names[node] if node in names else arithmetic.number(node)
    op, *parts = node
    if op == "matrix":
        return arithmetic.matrix([[arithmetic.number(x) for x in row] for row in parts[0]])
    if op == "identity":
        return arithmetic.matrix([[arithmetic.number(str(int(i == j))) for j in range(2)] for i in range(2)])
    if op == "sum":
        index, count, body = parts
        found = [
            evaluated(body, {**names, index: arithmetic.number(str(i))}, arithmetic) for i in range(int(names[count]))
        ]
        return found[0] + found[1]
    x, *rest = (evaluated(part, names, arithmetic) for part in parts)
    match op:
        case "+":
            return sum(rest, x)
        case "*":
            for y in rest:
                x = x * y
            return x
        case "-":
            return x - rest[0] if rest else -x
        case "/":
            if rest[0] == 0:
                raise ZeroDivisionError
            return x / rest[0]
        case "^":
            n = int(rest[0])
            return arithmetic.inverse(x) ** -n if n < 0 else x**n
        case "entry":
            return x[int(rest[0]), int(rest[1])]
        case "column":
            return x[:, int(rest[0])]
    return getattr(arithmetic, op)(x)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 8])
def test_a_power_of_a_ball_round_nothing_is_a_ball(exponent: int) -> None:
    """log 2 − log 2 is a ball with the middle 0, whose powers python-flint's ** makes nan."""
    nothing = log(name("a")) - log(name("a"))
    wanted = nothing**exponent < 1 if exponent else nothing**exponent <= 1
    assert certify("small", wanted, RECORD).outcome is Outcome.PROVED
    found = power(arb(0, 0.5), fmpq(exponent))
    assert found.is_finite()
    assert found.contains(arb(0.25) ** exponent)


class Rationals:
    """SymPy's exact arithmetic."""

    number, matrix = staticmethod(sympy.Rational), staticmethod(sympy.Matrix)
    transpose, trace, rank = (
        staticmethod(f) for f in (lambda X: X.T, lambda X: X.trace(), lambda X: sympy.Integer(X.rank()))
    )
    determinant = staticmethod(lambda X: X.det())

    @staticmethod
    def inverse(X: Any) -> Any:
        if (X.det() if isinstance(X, sympy.MatrixBase) else X) == 0:
            raise ZeroDivisionError
        return X.inv() if isinstance(X, sympy.MatrixBase) else 1 / X


class Digits:
    """mpmath at 80 digits."""

    matrix, exp = staticmethod(mpmath.matrix), staticmethod(mpmath.exp)
    transpose, determinant = staticmethod(lambda X: X.T), staticmethod(mpmath.det)
    trace = staticmethod(lambda X: X[0, 0] + X[1, 1])

    @staticmethod
    def number(text: str) -> Any:
        return mpmath.mpf(Fraction(text).numerator) / Fraction(text).denominator

    @staticmethod
    def inverse(X: Any) -> Any:
        return X**-1

    @staticmethod
    def log(x: Any) -> Any:
        if x <= 0:
            raise ZeroDivisionError
        return mpmath.log(x)


def rational_entries(value: Any) -> list[Fraction]:
    return [exact.to_fraction(x) for x in (value.entries() if shape(value) else [value])]


@given(hst.one_of(terms(3, False, False), terms(3, True, False)))
@settings(max_examples=examples(400))
def test_exact_values_are_those_of_sympy(node):
    try:
        expected = evaluated(node, VALUES, Rationals)
    except ZeroDivisionError:
        with pytest.raises(Undefined):
            evaluate([], node, RECORD, hints())
        return
    found = evaluate([], node, RECORD, hints()).value
    wanted = list(expected) if isinstance(expected, sympy.MatrixBase) else [expected]
    assert rational_entries(found) == [Fraction(int(x.p), int(x.q)) for x in wanted]


@given(hst.one_of(terms(3, False, True), terms(3, True, True)), hst.sampled_from([32, 64, 200]))
@settings(max_examples=examples(400))
def test_balls_contain_the_values_of_mpmath(node, bits):
    with mpmath.workdps(80):
        names = {
            k: mpmath.matrix([[Digits.number(str(y)) for y in row] for row in v.tolist()])
            if isinstance(v, sympy.MatrixBase)
            else Digits.number(str(v))
            for k, v in VALUES.items()
        }
        try:
            value = evaluate([], node, RECORD, hints(bits)).value
        except Undefined:
            return
        expected = evaluated(node, names, Digits)
        wanted = list(expected) if isinstance(expected, mpmath.matrix) else [expected]
        for x, y in zip(value.entries() if shape(value) else [value], wanted, strict=True):
            slack = arb(0, arb(10) ** -40 * (1 + abs(arb(mpmath.nstr(y, 60)))))
            assert (arb(x) + slack).overlaps(arb(mpmath.nstr(y, 75)) + slack), (x, y)


@given(terms(3, False, False), terms(2, False, False))
@settings(max_examples=examples(300))
def test_the_text_means_what_was_evaluated(left, right):
    """Read by Python, with ^ for its powers, the text of a comparison has the same truth."""
    try:
        found = evaluate([], ["<", left, right], RECORD, hints())
    except Undefined:
        return
    if found.value is None:
        return

    def summed(text: str) -> str:
        return re.sub(r"sum\((k\d) < n: ", r"sum_of(lambda \1: ", text)

    text = summed(found.term.text).replace("^", "**").replace("identity(2)", "ID")
    text = re.sub(r"(?<![\w.])(\d+)", r"Q(\1)", text.replace("k1", "kx").replace("k2", "ky").replace("k3", "kz"))
    scope = {
        **VALUES,
        "Q": sympy.Integer,
        "ID": sympy.eye(2),
        "matrix": sympy.Matrix,
        "transpose": Rationals.transpose,
        "inverse": lambda X: X.inv(),
        "trace": Rationals.trace,
        "determinant": Rationals.determinant,
        "rank": Rationals.rank,
        "entry": lambda X, i, j: X[int(i), int(j)],
        "column": lambda X, j: X[:, int(j)],
        "sum_of": lambda f: f(sympy.Integer(0)) + f(sympy.Integer(1)),
    }
    assert bool(eval(text, {**scope, "__builtins__": {}})) is found.value, text


@given(st.invertible_matrices(3), st.rationals(1))
@settings(max_examples=examples(60))
def test_definiteness_and_rank_in_balls_agree_with_rationals(X, t):
    """Each ball contains the rational matrix: what is certain of the ball is true of it."""
    X = X + X.transpose() + exact.identity(X.nrows()) * exact.to_fmpq(t)
    balls = arb_mat(X) + arb_mat(X.nrows(), X.ncols(), [arb(0, arb(2) ** -20)] * X.nrows() ** 2)
    for strictly in (True, False):
        assert definite(balls, strictly) in (None, definite(X, strictly))
    with suppress(Undefined):
        assert rank(balls) == X.rank()


FISHER = ["inverse", ["*", ["transpose", "fisher"], "covariance", "fisher"]]
PROJECTION = ["=", ["*", "fisher", FISHER, ["transpose", "fisher"], "means"], ["*", ["inverse", "covariance"], "means"]]
NOT_INFORMATIVE = ["=", "C", ["*", "mean", ["transpose", "mean"]]]
BLOCKS = ["all", "k", "K", ["within", ["*", ["member", "covariances", "k"], "fisher"], "means"]]
SPECTRAL = ["and", ["<=", "m", "r"], ["=", ["rank", "C"], "m"]]
# PCA with one column: S_F is a line, an eigenspace of R, and its eigenvalue the largest.
LINE_OF_R = [
    "/",
    ["trace", ["*", ["transpose", "fisher"], "R", "fisher"]],
    ["trace", ["*", ["transpose", "fisher"], "fisher"]],
]
ABOVE = ["-", ["+", ["*", LINE_OF_R, ["identity", "d"]], ["*", "fisher", ["transpose", "fisher"]]], "R"]
PCA = ["and", ["=", "m", "1"], ["within", ["*", "R", "fisher"], "fisher"], ["definite", ABOVE]]
ENCODED = {
    "lemma-4.2": PROJECTION,
    "fisher-optimality": PROJECTION,
    "infonce-inclusion": ["or", NOT_INFORMATIVE, BLOCKS],
    "spectral-equality": SPECTRAL,
    "pca-equality": PCA,
}


@given(
    st.shared_gmms(components=(1, 4), dimension=(1, 3), hostile=False),
    hst.sampled_from(["0", "1/2", "1"]),
    hst.integers(1, 3),
)
@settings(max_examples=examples(40))
def test_a_claim_as_a_formula_agrees_with_the_rule_built_in(mixture, bias, columns):
    fields = instance_fields(Instance(AugmentedPairs(mixture, Fraction(bias)), columns))
    for claim, formula in ENCODED.items():
        if claim == "pca-equality":
            fields = {**fields, "rank": "1"}
        found = evaluate([["m", ["rank", "fisher"]]], formula, fields, hints())
        verdict, _ = decide(claim, parse_instance({**fields, "rank": int(fields["rank"])}))
        assert verdict.outcome is {True: Outcome.PROVED, False: Outcome.REFUTED}[found.value], claim


@pytest.mark.parametrize("instance", [SEPARATE, LEANING], ids=["separate", "leaning"])
def test_inclusion_without_a_shared_covariance(instance):
    """The rule `exact` of nonshared-inclusion asks for these blocks."""
    fields = instance_fields(parse_instance(instance))
    proved = decide("nonshared-inclusion", parse_instance(instance))[0].outcome is Outcome.PROVED
    assert evaluate([], ["or", NOT_INFORMATIVE, BLOCKS], fields, hints()).value is proved


PLANE = instance_fields(parse_instance({**TRIANGLE, "covariance": [["1", "1/3"], ["1/3", "2"]]}))
LOGITS = {
    "line": [[1, "1/2", 0], ["-1/3", "-1/6", 0]],
    "plane": [[1, 0, "1/2"], ["1/3", 1, -1]],
    "none": [[1] * 3, [2] * 3],
}


@cache
def nodes(shape_of: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The weights, p, x and log Σ at the nodes of the trapezoidal rule over PLANE, which converges exponentially."""

    def floats(rows: list[list[Any]]) -> np.ndarray:
        return np.array([[float(Fraction(x)) for x in row] for row in rows])

    axis = np.arange(-24, 25) / 3
    s = np.array(np.meshgrid(axis, axis, indexing="ij")).reshape(2, -1)
    density = np.exp(-(s**2).sum(axis=0) / 2) / 9 / (2 * np.pi)
    from_mean = np.linalg.cholesky(floats(PLANE["covariance"])) @ s
    x = np.concatenate([mean[:, None] + from_mean for mean in floats(PLANE["means"])], axis=1)
    terms_ = np.exp(floats(LOGITS[shape_of]).T @ x) / 3
    total = terms_.sum(axis=0)
    return np.kron(floats([PLANE["weights"]])[0], density), terms_ / total, x, np.log(total)


def by_quadrature(shape_of: str, value: Any) -> float:
    """E value(p, x, log Σ) over the mixture PLANE."""
    weights, *points = nodes(shape_of)
    return float(np.sum(weights * value(*points)))


@pytest.mark.parametrize("shape_of", LOGITS)
def test_expectations_contain_what_quadrature_finds(shape_of):
    B = matrix(LOGITS[shape_of])
    found = certify("near", expected_logsumexp(B) > -100, PLANE)
    assert found.outcome is Outcome.PROVED
    cases = {
        expected_logsumexp(B).node[0]: lambda p, x, log: log,
        "softmax": lambda p, x, log: p[1],
        "moment": lambda p, x, log: p[1] * x[0],
    }
    made = (expected_logsumexp(B), expected_softmax(B)[1, 0], expected_softmax_moment(B)[0, 1])
    for term, value in zip(made, cases.values(), strict=True):
        near = Fraction(f"{by_quadrature(shape_of, value):.12g}")
        close = (term > str(near - Fraction(1, 10**8))) & (term < str(near + Fraction(1, 10**8)))
        assert certify("close", close, PLANE).outcome is Outcome.PROVED
        far = certify("far", term > str(near + Fraction(1, 10**8)), PLANE)
        assert far.outcome is Outcome.REFUTED


def test_softmaxes_add_up():
    B = matrix(LOGITS["plane"])
    p, moment = expected_softmax(B), expected_softmax_moment(B)
    total = sum((p[k, 0] for k in range(1, 3)), p[0, 0])
    tight = Fraction(1, 10**9)
    assert certify("one", (total > str(1 - tight)) & (total < str(1 + tight)), PLANE).outcome is Outcome.PROVED
    mean = sum((moment[0, k] for k in range(1, 3)), moment[0, 0])
    assert certify("mean", (mean > str(-tight)) & (mean < str(tight)), PLANE).outcome is Outcome.PROVED  # it is centred


def test_constant_logits_are_exact():
    B = ["matrix", [["1"] * 3, ["2"] * 3]]
    for formula in (
        ["=", ["expected_softmax", B], "weights"],
        ["=", ["expected_softmax_moment", B], ["*", "mean", ["transpose", "weights"]]],
        ["=", ["expected_logsumexp", B], ["trace", ["*", ["transpose", ["column", B, "0"]], "mean"]]],
    ):
        assert evaluate([], formula, PLANE, hints(64, [[]])).value is True


def test_exact_comparisons_of_balls_are_not_certain():
    assert evaluate([], ["=", ["exp", "1"], ["exp", "1"]], record(), hints()).value is None
    assert evaluate([], ["<=", ["exp", "1"], ["exp", "1"]], record(), hints()).value is None
    assert equal(arb(fmpq(1, 3)), arb(fmpq(1, 3))) is None
    assert equal(arb(2), fmpq(2)) is True
    assert equal(arb("nan"), arb(2)) is less(arb("nan"), arb(2)) is None


def enclosed_logarithm(rows: list[list[Any]], grid: list[list[str]], bits: int = 64) -> arb:
    return evaluate([], expected_logsumexp(matrix(rows)).node, PLANE, hints(bits, [[grid] * 3])).value


@pytest.mark.parametrize("shape_of", ["line", "plane"])
def test_coarse_lattices_still_contain_the_logarithm(shape_of):
    """The error bound, not the luck of a fine lattice, makes the ball; here both are of a size to be seen."""
    rows, axes = LOGITS[shape_of], 1 if shape_of == "line" else 2
    fine = enclosed_logarithm(rows, [["1/8", "-96", "193", "2/3"]] * axes)
    assert fine.rad() < 10**-9 if axes == 1 else fine.rad() < 10**-6
    widths = []
    for h in ("1/4", "1/2", "1", "3/2"):
        for reach in (2, 4, 8):
            for a in ("1/4", "1/2", "1"):
                half = int(reach / Fraction(h))
                try:
                    coarse = enclosed_logarithm(rows, [[h, str(-half), str(2 * half + 1), a]] * axes)
                except Rejected:  # the strip is too wide for these slopes, or the box misses a component
                    continue
                assert coarse.contains(fine), (h, reach, a)
                widths.append(coarse.rad())
    assert len(widths) > 10
    assert max(widths) > 1


M = [["1/2", "1/8"], ["1/8", "1/4"]]
infonce = (
    expected_logsumexp(matrix(M) @ name("means"))
    + trace(matrix(M) @ name("covariance") @ matrix(M) @ name("R")) / 2
    - trace(name("C") @ matrix(M))
)


def test_the_loss_of_infonce_as_a_formula_is_the_loss():
    """E log E exp xᵀMy = ½ E xᵀMΣMx + E log Σ_k w_k exp(xᵀMμ_k): the engine of losses has integrals of its own."""
    instance = {**TRIANGLE, "covariance": [["1", "1/3"], ["1/3", "2"]]}
    loss = enclose(find_loss("infonce"), parse_instance(instance), parse_map({"M": M}), 15)
    near = fmpq(1, 10**9)
    assert loss.width < near
    inside = (infonce > str(loss.lower - near)) & (infonce < str(loss.upper + near))
    assert certify("loss", inside, PLANE).outcome is Outcome.PROVED
    assert certify("loss", infonce > str(loss.upper + near), PLANE).outcome is Outcome.REFUTED
