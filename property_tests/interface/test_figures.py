"""Figures and formulas: exact subspaces, angles that contain the truth, drawings that follow their records."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thmverify import exact
from thmverify.certifying import decide
from thmverify.hunting.phase import scaled
from thmverify.instances import parse_instance
from thmverify.losses import LOSSES
from thmverify.losses.levels import multiprecision_value
from thmverify.maps import Gram
from thmverify.mathml import FormulaError, formula
from thmverify.reports.builder import make
from thmverify.reports.effort import Effort
from thmverify.reports.figures import loss_slices, pancakes, phase
from thmverify.reports.figures.drawing import Frame, number, sigma_ellipse, ticks
from thmverify.reports.figures.histogram import layout as histogram_layout
from thmverify.reports.figures.records import Line
from thmverify.reports.records import Bin, Settings
from thmverify.reports.render import html, markdown
from thmverify.theorems.infonce.infonce_equality_biased import STATEMENT as BIASED


@pytest.fixture(scope="module")
def pancakes_record():
    return pancakes.compute(0)


@pytest.fixture(scope="module")
def slices_record():
    return loss_slices.compute()


def direction(line: Line) -> np.ndarray:
    v = np.array([float(Fraction(x)) for x in line.direction])
    return v / np.linalg.norm(v)


def by_name(lines) -> dict[str, np.ndarray]:
    return {line.name: direction(line) for line in lines}


# --- parallel pancakes ---------------------------------------------------------------------------------------------


def test_lines_are_the_subspaces_of_their_definitions(pancakes_record):
    for panel in pancakes_record.panels:
        mixture = parse_instance(panel.instance).shared
        means, weights = np.array(mixture.means, float), np.array(mixture.weights, float)
        covariance = np.array(mixture.covariance, float)
        second_moment = covariance + means.T @ np.diag(weights) @ means
        lines = by_name(panel.lines)
        top = np.linalg.eigh(second_moment)[1][:, -1]
        assert abs(lines["S_SVD"] @ top) == pytest.approx(1, abs=1e-12)
        for name, vector in (("S_F", np.linalg.solve(covariance, means[-1])), ("S_μ", means[-1])):
            assert abs(lines[name] @ vector) == pytest.approx(np.linalg.norm(vector), rel=1e-12)


def test_figure_shows_what_the_paper_says(pancakes_record):
    together, apart, shifted = ({a.first + a.second: a.cos2 for a in p.angles} for p in pancakes_record.panels)
    assert set(together.values()) == {"1"}
    assert (apart["S_FS_SVD"], apart["S_FS_μ"]) == ("0", "1")
    assert not {"0", "1"} & set(shifted.values())


def test_fisher_is_largest_on_the_fisher_line(pancakes_record):
    for panel in pancakes_record.panels:
        values = {line.name: Fraction(line.fisher) for line in panel.lines}
        mixture = parse_instance(panel.instance).shared
        assert values["S_F"] == max(values.values())
        assert values["S_F"] == exact.to_fraction(exact.trace(mixture.sigma.inv() * mixture.S))


def test_angles_contain_the_truth(pancakes_record):
    for panel in pancakes_record.panels:
        lines = by_name(panel.lines)
        for angle in panel.angles:
            cosine = abs(lines[angle.first] @ lines[angle.second])
            assert float(Fraction(angle.cos2)) == pytest.approx(cosine**2, abs=1e-14)
            truth = math.degrees(math.acos(min(1.0, math.sqrt(Fraction(angle.cos2)))))
            assert float(angle.lower) - 1e-12 <= truth <= float(angle.upper) + 1e-12
            assert float(angle.upper) - float(angle.lower) < 1e-7


def test_points_come_from_their_components(pancakes_record):
    for panel in pancakes_record.panels:
        mixture = parse_instance(panel.instance).shared
        inverse = np.linalg.inv(np.array(mixture.covariance, float))
        means = np.array(mixture.means, float)
        offsets = np.array([(x, y) for x, y, _ in panel.points]) - means[[k for _, _, k in panel.points]]
        inside = np.einsum("ni,ij,nj->n", offsets, inverse, offsets) <= 4
        # A Gaussian of the plane is within 2σ with probability 1 − e⁻²; five standard errors either way.
        expected = 1 - math.exp(-2)
        assert abs(inside.mean() - expected) < 5 * math.sqrt(expected * (1 - expected) / len(inside))


def test_seed_alone_decides_the_points(pancakes_record):
    assert pancakes.compute(0) == pancakes_record
    assert pancakes.compute(1).panels[0].points != pancakes_record.panels[0].points


def test_irrational_or_double_eigenvalue_is_refused():
    with pytest.raises(ValueError, match="irrational"):
        pancakes.top_eigenline(exact.matrix([[1, 1], [1, 2]]))
    with pytest.raises(ValueError, match="multiplicity 2"):
        pancakes.top_eigenline(exact.identity(2))


def test_lines_that_coincide_are_drawn_once(pancakes_record):
    groups = [[line.names for line in pancakes.layout(panel).lines] for panel in pancakes_record.panels]
    assert groups[0] == [("S_F", "S_SVD", "S_μ")]
    assert groups[1] == [("S_F", "S_μ"), ("S_SVD",)]
    assert len(groups[2]) == 3


def test_ellipse_is_the_level_set():
    covariance = np.array([[2.0, 1.0], [1.0, 3.0]])
    frame = Frame(0, 0, 240, 240, (-12, 12), (-12, 12))
    ellipse = sigma_ellipse(frame, (1.0, 2.0), covariance, 2.0)
    turn, inverse = math.radians(ellipse.turn), np.linalg.inv(covariance)
    for t in np.linspace(0, 2 * math.pi, 17):
        u, v = ellipse.rx * math.cos(t), ellipse.ry * math.sin(t)
        x = ellipse.cx + u * math.cos(turn) - v * math.sin(turn)
        y = ellipse.cy + u * math.sin(turn) + v * math.cos(turn)
        offset = np.array([x / 10 - 12 - 1.0, 12 - y / 10 - 2.0])
        assert offset @ inverse @ offset == pytest.approx(4.0)


# --- slices of the loss --------------------------------------------------------------------------------------------


def test_slices_are_the_loss(slices_record):
    """Check a point of each curve against mpmath."""
    instance = parse_instance(slices_record.instance)
    lines = {line.name: line for line in slices_record.lines}
    v = exact.column([Fraction(x) for x in lines["S_F"].direction])
    within = exact.inner(v, instance.shared.sigma * v)
    scale, loss = slices_record.along.points[20]
    M = v * v.transpose() * (exact.to_fmpq(Fraction(scale).limit_denominator(1000)) / within)
    assert float(multiprecision_value(LOSSES["infonce"], instance, Gram(M), 15)) == pytest.approx(loss, abs=1e-6)
    least = min(y for _, y in slices_record.along.points)
    assert slices_record.across.points[0][1] == pytest.approx(least, abs=2e-3)
    assert slices_record.along.points[0] == (0.0, 0.0)


def test_line_across_all_means_learns_nothing(slices_record):
    # On the line orthogonal to the means every logit is 0 and the quadratic part only grows: the best scale is 0.
    across = min(slices_record.by_angle.points, key=lambda point: abs(point[0] + 45))
    assert across[1] == pytest.approx(0, abs=1e-4)


def test_findings_are_read_off_the_points(slices_record):
    assert loss_slices.findings(slices_record)[0].startswith("of all the lines drawn, S_F")
    assert "raises" in loss_slices.findings(slices_record)[1]
    lower = slices_record.by_angle.model_copy(update={"points": (*slices_record.by_angle.points, (80.0, -9.0))})
    falling = slices_record.across.model_copy(update={"points": slices_record.across.points[::-1]})
    changed = slices_record.model_copy(update={"by_angle": lower, "across": falling})
    assert loss_slices.findings(changed) == (
        "the least loss is not on S_F",
        "a part outside S_F lowers the loss somewhere",
    )


def test_charts_stay_in_their_frames(slices_record):
    drawn = loss_slices.layout(slices_record)
    for chart in (drawn.angle, drawn.scale):
        for path in chart.paths:
            for pair in path[1:].split("L"):
                x, y = map(float, pair.split())
                assert chart.frame.left - 0.01 <= x <= chart.frame.right + 0.01
                assert chart.frame.top - 0.01 <= y <= chart.frame.bottom + 0.01


# --- geometry ------------------------------------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 10))
def test_ticks_are_round_and_inside(low, width, about):
    if low + width == low:
        return
    values = ticks(low, low + width, about)
    assert len(values) <= about + 1
    steps = {round((b - a) / width, 6) for a, b in pairwise(values)}
    assert len(steps) <= 1
    assert all(low - 1e-6 * width <= t <= low + width * (1 + 1e-6) for t in values)


@given(st.floats(0, 2 * math.pi))
def test_clipped_line_ends_on_the_frame(angle):
    frame = Frame(10, 20, 100, 100, (-3, 3), (-3, 3))
    for x, y in frame.clipped_line((math.cos(angle), math.sin(angle))):
        edges = (abs(x - frame.left), abs(x - frame.right), abs(y - frame.top), abs(y - frame.bottom))
        assert min(edges) < 1e-6
        assert frame.left - 1e-6 <= x <= frame.right + 1e-6
        assert frame.top - 1e-6 <= y <= frame.bottom + 1e-6


def test_numbers_are_short():
    assert [number(x) for x in (1.0, -0.001, 2.346, 10.10)] == ["1", "0", "2.35", "10.1"]


def test_bars_have_the_height_of_their_counts():
    drawn = histogram_layout((Bin(lower="-1", upper="0", count=2), Bin(lower="0", upper="1", count=1)))
    tall, low = drawn.bars
    assert tall.height == pytest.approx(2 * low.height)
    assert tall.height == pytest.approx(drawn.frame.height)
    assert tall.width == pytest.approx(low.width)


# --- formulas ------------------------------------------------------------------------------------------------------


def test_formula_is_escaped_mathml():
    text = formula(r"\text{<script>alert(1)</script>} < a")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert text.startswith("<math")


def test_relations_and_functions_are_operators():
    text = formula(r"X \succeq 0, \operatorname{tr}(X), \log x")
    assert "<mo>⪰</mo>" in text
    assert '<mo lspace="0.167em" rspace="0">tr</mo>' in text
    assert '<mo lspace="0.167em" rspace="0.167em">log</mo>' in text


@pytest.mark.parametrize(
    "latex",
    [r"\href{javascript:alert(1)}{x}", r"\frac{a", r"\nonsense x", r"\class{a}{b}", r"\style{color:red}{x}", "x_"],
)
def test_formula_that_is_not_plain_is_refused(latex):
    with pytest.raises(FormulaError):
        formula(latex)


# --- the phase picture ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def phase_record():
    return phase.compute(10)


def test_certified_cells_are_what_is_decided(phase_record):
    assert len(phase_record.cells) == len(phase_record.deltas) * len(phase_record.separations)
    assert {cell.rank for cell in phase_record.cells} == {1, phase_record.dimension}
    at = parse_instance(phase_record.instance)
    for cell in phase_record.cells[3::17]:
        instance = scaled(at.shared, Fraction(cell.delta), Fraction(cell.separation))
        verdict, certificate = decide("infonce-equality", instance)
        assert cell.certified == (certificate is not None)
        assert (cell.verdict, cell.rank) == (verdict.outcome.value, verdict.rank)


def test_phase_cells_tile_the_frame_in_the_order_of_their_values(phase_record):
    drawn = phase.layout(phase_record)
    assert sum(drawn.width * drawn.height for _ in drawn.squares) == pytest.approx(
        drawn.frame.width * drawn.frame.height
    )
    for square in drawn.squares:
        middle = (square.x + drawn.width / 2, square.y + drawn.height / 2)
        # Separations are in nearly equal ratios: a column is as wide as any other.
        assert middle[0] == pytest.approx(drawn.frame.x(math.log2(Fraction(square.cell.separation))), abs=2)
        assert middle[1] == pytest.approx(drawn.frame.y(float(Fraction(square.cell.delta))))
    assert [text for _, text in drawn.x_ticks] == ["1/8", "1/4", "1/2", "1", "2", "4"]
    assert sum(key.count for key in drawn.keys) == len(phase_record.cells)


def test_what_floating_point_proposes_is_hatched_and_counted_apart(phase_record):
    cells = list(phase_record.cells)
    changed = next(i for i, cell in enumerate(cells) if cell.rank == 1)
    cells[changed] = cells[changed].model_copy(update={"certified": False})
    doubtful = phase_record.model_copy(update={"cells": tuple(cells)})
    assert [(k.rank, k.certified) for k in phase.layout(doubtful).keys] == [(2, True), (1, True), (1, False)]
    assert f"{len(cells) - 1} of them certified" in phase.finding(doubtful)
    assert sum(len(row.floating) for row in phase.deficient_rows(doubtful)) == 1
    report = make([BIASED], Settings(effort=Effort.QUICK, seed=0, instances=2))
    pictures = tuple(doubtful if figure.kind == "phase" else figure for figure in report.figures)
    page = html(report.model_copy(update={"figures": pictures}))
    assert page.count('fill="url(#phase-hatch)"') == 2  # the cell, and its entry in the legend
    assert 'fill="url(#phase-hatch)"' not in html(report)
    text = markdown(report.model_copy(update={"figures": pictures}))
    assert phase.finding(doubtful) in text.replace("\\", "")


def test_a_picture_without_deficient_cells_says_so(phase_record):
    full = [cell.model_copy(update={"rank": 2}) for cell in phase_record.cells]
    found = phase_record.model_copy(update={"cells": tuple(full)})
    assert phase.deficient_rows(found) == ()
    assert phase.finding(found) == f"M* has full rank 2 in each of the {len(full)} cells, all of them certified."
