"""The article's loss as printed, without the square, is not low-rank approximation of Ā: it has no minimum at all.

For a finite graph (see `population-graph-equivalence`) the article's derivation ends in

    min_f −2 E_{(x,x')}[f(x)ᵀf(x')] + E_x E_x'[f(x)ᵀf(x')],

the second mean over independent points and of the product itself, and equates this with min_F ‖Ā − FFᵀ‖², up to a
constant. The claim is that the difference of the two functions of f is a constant.

It is false: in the line "expand terms" the square of f(x)ᵀf(x') is lost. On two points that never pair with each other,
w = diag(1/2, 1/2), ‖Ā − FFᵀ‖² = c⁴ − 2c² + 2 at f = (c, −c), and the printed loss is −2c²: their difference depends on
c, and the printed loss falls to −∞.

Source: the article on HaoChen et al., arXiv:2106.04156, among the sources ("Learning the Population Graph", from the
line "expand terms" on). HaoChen et al. themselves have the square.

Status: refuted.
"""

from __future__ import annotations

import sys

from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.evidence import ByKernel, Counterexample
from thmverify.headlines import Source
from thmverify.hypotheses import GRAPH
from thmverify.models import Instance, PopulationGraph
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_graph_instance, random_matrix
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.theorems import COUNTEREXAMPLES, SPECTRAL_PAPER
from thmverify.theorems.graphs.common import LIGHTNING_AND_CLOUD, SYMBOLS, approximation_error, graph, sums
from thmverify.verdicts import Status

ID = "population-graph-as-printed"
QUANTITY = Quantity(r"-2 \sum_{x,x'} w_{xx'} f(x)^T f(x') + \sum_{x,x'} w_x w_{x'} f(x)^T f(x')")
CONCLUSION = Conclusion(
    r"\left\|\bar A - FF^T\right\|^2 + 2 \sum_{x,x'} w_{xx'} f(x)^T f(x') - \sum_{x,x'} w_x w_{x'} f(x)^T f(x')"
    r" = \mathrm{const}",
    "‖Ā − FFᵀ‖² differs from −2 Σ w_{xx'} f(x)ᵀf(x') + Σ w_x w_x' f(x)ᵀf(x') by a constant that does not depend on f.",
)
MAPS = 3  # random maps that an instance is tried on, beside the constant ones


def printed(model: PopulationGraph, f: fmpq_mat) -> fmpq:
    """Return the article's last line at f, exactly."""
    agreement, _, products = sums(model, f)
    return products - 2 * agreement


def trial_maps(instance: Instance) -> list[fmpq_mat]:
    """Return the maps 1 and 2, constant, and a few random ones."""
    n, r = graph(instance).points, instance.rank
    constant = fmpq_mat(n, r, [fmpq(1)] * (n * r))
    rng = instance_rng(instance)
    return [constant, constant * 2, *(random_matrix(rng, n, r) for _ in range(MAPS))]


def deviation(instance: Instance, f: fmpq_mat) -> fmpq:
    """Return how far the difference of the two functions at f is from that at 0, exactly."""
    model = graph(instance)
    return approximation_error(model, f) - approximation_error(model, f * 0) - printed(model, f)


def margin(instance: Instance) -> float:
    """Return the largest |deviation| over trial maps, exact before it is rounded: 0 only where the claim holds."""
    return max(abs(float(exact.to_fraction(deviation(instance, f)))) for f in trial_maps(instance))


TWO_POINTS = Counterexample(
    COUNTEREXAMPLES / "population-graph-as-printed.json",
    tempting="Expand (a − b)² = a² − 2ab + b², drop a², and read off the two means.",
    catch="b is √w_x √w_x' f(x)ᵀf(x'), so b² = w_x w_x' (f(x)ᵀf(x'))². Without the square the second mean is "
    "‖E f(x)‖², which opposite values at the two points cancel: −2c² at f = ±c, unbounded below.",
    repaired="With the square, −2E f(x)ᵀf(x') + E (f(x)ᵀf(x'))², it holds (population-graph-equivalence).",
    near="no radius is known: the kernel's sets are of mixtures, and this is a graph",
)

STATEMENT = Statement(
    id=ID,
    title="The loss printed in the article is low-rank approximation of Ā",
    source=Source(
        SPECTRAL_PAPER,
        "in the article among the sources: Learning the Population Graph, the lines from “expand terms” on",
        "the paper itself has the square",
    ),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=GRAPH,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=Instance(LIGHTNING_AND_CLOUD, 2),
    sample=random_graph_instance,
    counterexamples=(TWO_POINTS,),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
