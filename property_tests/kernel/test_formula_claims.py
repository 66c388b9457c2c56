"""Formulas written in Python or SymPy, and what comes of them: a certificate, a refutation, or an honest margin."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as hst
from sympy.matrices import expressions as mat

from property_tests.kernel.library import LINE
from thmverify.certifying.formulas import (
    Expression,
    Undecided,
    all_of,
    any_of,
    certify,
    check,
    determinant,
    exp,
    expected_logsumexp,
    from_sympy,
    identity,
    is_definite,
    is_semidefinite,
    is_within,
    log,
    margins,
    matrix,
    member,
    name,
    number,
    rank,
    record,
    sum_of,
    trace,
)
from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.evidence import ByKernel, Counterexample
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected
from thmverify.kernel import __file__ as kernel_file
from thmverify.testing import examples
from thmverify.verdicts import Outcome

H, x, L, mu, k = (name(field) for field in ("H", "x", "L", "mu", "k"))
QUADRATIC = {
    "y": (identity("d") - H / L) ** k @ x,
    "before": trace(x.T @ H @ x) / 2,
    "after": trace(name("y").T @ H @ name("y")) / 2,
}
RATE = name("after") <= (1 - mu / L) ** (2 * k) * name("before")
FASTER = name("after") <= (1 - mu / L) ** (3 * k) * name("before")


@hst.composite
def quadratics(draw):
    """Gradient descent with step 1/L on ½xᵀHx, H = VᵀDV with rational orthogonal V (Cayley) and μ ≤ D ≤ L."""
    d = draw(hst.integers(1, 3))
    some = hst.fractions(0, 5, max_denominator=6)
    mu = draw(hst.fractions(Fraction(1, 6), 2, max_denominator=6))
    D = [mu + draw(some) for _ in range(d)]
    skew = sympy.zeros(d, d)
    for i in range(d):
        for j in range(i):
            skew[i, j] = sympy.Rational(str(draw(hst.fractions(-2, 2, max_denominator=3))))
            skew[j, i] = -skew[i, j]
    V = (sympy.eye(d) - skew) * (sympy.eye(d) + skew).inv()
    H = V.T * sympy.diag(*[sympy.Rational(str(value)) for value in D]) * V
    start = [draw(hst.fractions(-3, 3, max_denominator=4)) for _ in range(d)]
    return record(
        mu=mu, L=max(D), k=draw(hst.integers(0, 8)), d=d, H=[[str(y) for y in row] for row in H.tolist()], x=start
    )


@given(quadratics())
@settings(max_examples=examples(30))
def test_gradient_descent_has_its_rate(instance):
    found = certify("descent-rate", RATE, instance, QUADRATIC)
    assert found.outcome is Outcome.PROVED
    assert check(found.data) == found.verified
    assert found.verified.lines_of_text()[-1] == "VERIFIED descent-rate: after <= (1 - mu/L)^(2*k)*before"


def test_a_rate_that_is_too_good_is_refuted():
    worst = record(mu=1, L=4, k=5, d=2, H=[[1, 0], [0, 4]], x=[1, 0])
    found = certify("faster", FASTER, worst, QUADRATIC)
    assert found.outcome is Outcome.REFUTED
    assert check(found.data).lines_of_text()[-1] == "VERIFIED not-faster: not(after <= (1 - mu/L)^(3*k)*before)"
    with pytest.raises(Rejected):  # the same bytes do not verify the claim itself
        check(found.data.replace(b"not-faster", b"faster"))


def test_a_formula_is_no_evidence_about_a_claim_by_its_name(tmp_path):
    path = tmp_path / "own.json"
    path.write_bytes(certify("some-statement", number(0) == 0, record()).data)
    verdict = Counterexample(path, "", "", "").verdict("some-statement", ByKernel("some-statement"))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason == "own.json is about a formula of its own, some-statement"


def test_margins_of_gradient_descent_on_a_batch():
    rng = np.random.default_rng(1)
    n, d, steps = 50, 3, 4
    V = np.linalg.qr(rng.normal(size=(n, d, d)))[0]
    D = rng.uniform(0.5, 3.0, size=(n, d))
    batch = {
        "H": V @ (D[:, :, None] * np.swapaxes(V, 1, 2)),
        "x": rng.normal(size=(n, d)),
        "L": D.max(1),
        "mu": D.min(1),
        "k": np.full(n, steps),
        "d": np.full(n, d),
    }
    assert np.all(margins(RATE, batch, QUADRATIC) <= 1e-12)
    direct = []
    for M, start, high, low in zip(batch["H"], batch["x"], batch["L"], batch["mu"], strict=True):
        end = np.linalg.matrix_power(np.eye(d) - M / high, steps) @ start
        direct.append(end @ M @ end / 2 - (1 - low / high) ** (2 * steps) * (start @ M @ start) / 2)
    assert np.allclose(margins(RATE, batch, QUADRATIC), direct, atol=1e-12)
    along = {**batch, "x": V[np.arange(n), :, D.argmin(1)]}  # the slowest direction
    assert np.all(margins(FASTER, along, QUADRATIC) > 0)


INSTANCE = record(
    a="1.5",
    n=3,
    x=[1, -2],
    H=[[2, 1], [1, 3]],
    Z=[[1, 2], [2, 4]],
    F=[[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[1, 1], [1, 1]]],
)
a, Z, F = name("a"), name("Z"), name("F")
CLAIMS: list[tuple[Expression, bool]] = [
    (2 * a == 3, True),
    (a != "3/2", False),
    (a > 1, True),
    (a <= 1, False),
    (-a + 1 - 2 / a < Decimal("-1.8"), True),
    (exp(a) < Fraction(9, 2), True),
    (log(a) / 2 > "0.21", False),
    (H.inverse() @ H == identity(2), True),
    (H * Z == Z @ H, False),
    (H**2 == H @ H, True),
    (H.T == H, True),
    (trace(H) == determinant(H), True),
    (rank(Z) == 2, False),
    (H[0, 1] == 1, True),
    (x.column(0) == x, True),
    (member(F, 1)[0, 0] == 0, True),
    (matrix([["1/2", 0]]) @ x == matrix([["0.5"]]), True),
    (is_definite(H) & is_semidefinite(Z), True),
    (is_definite(Z) | is_semidefinite(-H), False),
    (~is_within(H, Z), True),
    (is_within(Z, x), False),
    (sum_of(name("n"), lambda i: trace(member(F, i)), "i") == 4, True),
    (all_of(3, lambda i: is_semidefinite(member(F, i)), "i"), False),
    (any_of(3, lambda i: member(F, i) == identity(2)), True),
]


def floats(value):
    return [floats(x) for x in value] if isinstance(value, list) else float(Fraction(value))


@pytest.mark.parametrize(
    ("formula", "truth"), CLAIMS, ids=lambda v: json.dumps(v.node) if isinstance(v, Expression) else ""
)
def test_formulas_are_decided_and_their_margins_have_the_sign(formula, truth):
    found = certify("own", formula, INSTANCE)
    assert found.outcome is (Outcome.PROVED if truth else Outcome.REFUTED)
    assert check(found.data).claim == ("own" if truth else "not-own")
    margin = margins(formula, {field: [floats(value)] * 2 for field, value in INSTANCE["values"].items()})
    assert margin.shape == (2,)
    assert np.all(margin <= 1e-12) if truth else np.all(margin >= -1e-12)


def test_the_margin_that_was_reached():
    found = certify("equal", (exp(log(2)) == 2) & (a < 2), INSTANCE)
    assert isinstance(found, Undecided)
    low, high = found.margin
    assert 0 <= low <= high < Fraction(1, 2**1900)
    assert "exp(log(2)) = 2 is not certain" in found.reason
    found = certify("guess", ~(exp(1) <= exp(1)) | (a > 2), INSTANCE)
    low, high = found.margin
    assert low <= 0 <= high < Fraction(1, 2**1900)
    undefined = certify("undefined", 1 / (a - a) == 1, INSTANCE)
    assert undefined == Undecided("division by a - a, which is not proved to be different from 0", None)
    assert certify("much", sum_of(10**4, lambda i: sum_of(10**4, lambda j: i * j, "j"), "i") > 0, INSTANCE).reason == (
        "the formula asks for too much work, or its numbers are too long"
    )


BEYOND = {
    "division by K - 2": 1 / (name("K") - 2),
    "'k' is no name here": name("k"),
    "too much work": number(10**7),
    "too large for a float": number("1" + "0" * 350),
}


@pytest.mark.parametrize("reason", BEYOND)
def test_integrals_that_are_beyond_it_end_undecided(reason):
    logits = BEYOND[reason] * matrix([[0, 1], [0, 2]])
    found = certify("own", sum_of(2, lambda k: expected_logsumexp(logits) + k) > 0, parse_instance(LINE))
    assert isinstance(found, Undecided)
    assert re.search(reason, found.reason)


def test_as_many_digits_as_it_takes():
    nearly = Fraction(sympy.Rational(str(sympy.N(sympy.E, 120)))).limit_denominator(10**55)
    found = certify("near", exp(1) != nearly, INSTANCE)
    assert found.outcome is Outcome.PROVED
    assert int(json.loads(found.data)["hints"]["precision"]) > 256


BAD = {
    "number: 0.5: is a float, which is rarely the number that was meant; write it exactly": lambda: a < 0.5,
    "number: true: is not a number": lambda: number(True),
    'number: "5%": is not a rational number; write "1/20"': lambda: a * "5%",
    "b: 0.1: is a float": lambda: record(b=[[0.1]]),
    "formula: \"(< a b)\": 'b' is no name here": lambda: certify("own", a < name("b"), INSTANCE),
    'formula: "(< H a)": < does not take a 2x2 and a number': lambda: certify("own", a > H, INSTANCE),
    'formula: "(+ a a)": is a term, which is neither true nor false': lambda: certify("own", a + a, INSTANCE),
    'c: "(+ a H)": + does not take': lambda: certify("own", name("c") == 1, INSTANCE, {"c": a + H}),
    'claim: "lemma-4.2": the claim\'s name': lambda: certify("lemma-4.2", a > 1, INSTANCE),
    'claim: "Not good": the claim\'s name': lambda: certify("Not good", a > 1, INSTANCE),
    'instance: "record": exp': lambda: certify("own", a > 1, {"model": "record", "values": {"exp": ["1", []]}}),
    "has no": lambda: certify("own", name("b") > 1, {"model": "gmm"}),
    "formula: ": lambda: margins(expected_logsumexp(H) > 1, {"H": [np.eye(2)]}),
    "is not one integer for all records": lambda: margins(H[k, 0] > 1, {"H": [np.eye(2)] * 2, "k": [0.0, 1.0]}),
    "is out of bounds": lambda: margins(H[k, 0] > 1, {"H": [np.eye(2)] * 2, "k": [2.0, 2.0]}),
    "is no shape of a batch": lambda: margins(a > 1, {"a": 1.0}),
    "is decided by SymPy without an instance": lambda: from_sympy(sympy.Eq(1, 1)),
    "has a power that is not an integer": lambda: from_sympy(sympy.sqrt(sympy.Symbol("a")) < 1),
    "is nothing that a formula may hold": lambda: from_sympy(sympy.sin(sympy.Symbol("a")) < 1),
    "0.5": lambda: from_sympy(sympy.Symbol("a") < 0.5),
    "is an entry that is not rational": lambda: from_sympy(
        sympy.Eq(mat.MatrixSymbol("H", 1, 1), sympy.Matrix([[sympy.pi]]))
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_one_line(message):
    with pytest.raises(InputError) as caught:
        BAD[message]()
    text = str(caught.value)
    assert message in text if message != "has no" else text
    assert "\n" not in text


def test_a_formula_has_no_truth_in_python():
    with pytest.raises(TypeError, match="no truth value"):
        bool(a == a)
    with pytest.raises(TypeError):
        1 < a < 2  # noqa: B015
    with pytest.raises(TypeError):
        hash(a)


def test_relations_of_sympy():
    s, n, i = sympy.symbols("a n i")
    M, N, v = mat.MatrixSymbol("H", 2, 2), mat.MatrixSymbol("Z", 2, 2), mat.MatrixSymbol("x", 2, 1)
    cases = [
        (sympy.exp(s) > 1 + s, True),
        (sympy.Ne(s, sympy.Rational(3, 2)), False),
        (sympy.And(s >= 1, sympy.log(s) / s < 1, s**-2 < s**2), True),
        (sympy.Or(s > 2, sympy.Not(s < 1)), True),
        (sympy.Implies(s > 1, s > 2), False),
        (sympy.Eq(sympy.Sum(i**2, (i, 0, n)), 14), True),
        (sympy.Eq(M * M.I * N, mat.Identity(2) * N.T), True),
        (sympy.Eq(mat.Inverse(M) * N, M.I * N * N), False),
        (sympy.Eq(M, mat.Identity(2)), False),
        (sympy.Eq(M + N.T - 2 * N, M - N), True),
        (sympy.Eq(mat.Trace(M), mat.Determinant(M)), True),
        (sympy.Eq(M[0, 1] + (M**2)[1, 1], 11), True),
        (sympy.Eq(N * v, sympy.ImmutableMatrix([[-3], [-6]])), True),
        (sympy.Eq(N, mat.ZeroMatrix(2, 2)), False),
    ]
    for relation, truth in cases:
        found = certify("own", from_sympy(relation), INSTANCE)
        assert found.outcome is (Outcome.PROVED if truth else Outcome.REFUTED), relation


def test_a_formula_on_a_model_and_the_command_line(tmp_path, capsys):
    fisher, sigma, means = name("fisher"), name("covariance"), name("means")
    projected = fisher @ (fisher.T @ sigma @ fisher).inverse() @ fisher.T @ means == sigma.inverse() @ means
    path = tmp_path / "own.json"
    path.write_bytes(certify("projection", projected, parse_instance(LINE)).data)
    wrong = tmp_path / "wrong.json"
    wrong.write_bytes(path.read_bytes().replace(b'"transpose"', b'"inverse"'))
    assert main(["check", str(path)]) == 0
    text = "fisher*inverse(transpose(fisher)*covariance*fisher)*transpose(fisher)*means = inverse(covariance)*means"
    assert capsys.readouterr().out.splitlines()[-1] == f"VERIFIED projection: {text}"
    assert main(["check", str(path), str(wrong), "--json"]) == 1
    good, bad = json.loads(capsys.readouterr().out)["certificates"]
    assert (good["claim"], good["verdict"], good["formula"], good["definitions"]) == ("projection", "proved", text, [])
    assert good["statement"] == json.loads(path.read_bytes())["statement"]
    assert (bad["answer"], bad["claim"], bad["reason"]) == ("REJECTED", None, "the content hash does not match")


def test_the_example_of_the_readme(tmp_path, monkeypatch, capsys):
    text = (Path(__file__).parents[2] / "docs/pages/tutorials/claim.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(text.split("```python\n")[1].split("```")[0], {})
    assert main(["check", "rate.json"]) == 0
    assert capsys.readouterr().out == text.split("```text\n")[1].split("```")[0]


def test_the_example_of_the_format():
    text = (Path(kernel_file).parent / "FORMAT.md").read_text(encoding="utf-8").split("# Formulas, version 1\n")[1]
    example = text.split("```json\n")[1].split("```")[0].encode()
    assert check(example).lines_of_text() == text.split("```text\n")[1].split("\n```")[0].splitlines()
