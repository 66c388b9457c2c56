"""Hypotheses: conditions on an instance, each a SymPy formula with a name, and those that many statements share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sympy import And, Eq, Gt, Identity, Ne, OneMatrix, Trace, ZeroMatrix, latex

from thmverify import vocabulary
from thmverify.mathml import formula as mathml
from thmverify.models import Instance
from thmverify.vocabulary import (
    Cov_VT,
    EntriesNonnegative,
    EntriesPositive,
    Formula,
    K,
    Pi_F,
    Pi_mu,
    Pi_TF,
    Pi_Tmu,
    Pi_VF,
    Pi_Vmu,
    PositiveDefinite,
    Sigma_1,
    Sigma_k,
    Sigma_T,
    Sigma_Tk,
    Sigma_V,
    Sigma_Vk,
    W,
    d,
    d_T,
    d_V,
    delta,
    eta,
    k,
    m,
    m_joint,
    m_T,
    m_V,
    mu_bar,
    n,
    n_blocks,
    n_orbits,
    r,
    theta_0,
    w,
    weight_sum,
)

equal = partial(Eq, evaluate=False)  # left as it is: SymPy would first try, at length, to decide it


@dataclass(frozen=True)
class Hypothesis:
    """A condition on the instance: a SymPy formula over the shared vocabulary, its name and its meaning.

    A free component index in the formula is universally quantified. A constitutive condition is part of what the model
    is: nothing is an instance without it, so nothing can be said of what happens when it is dropped.
    """

    name: str
    formula: Formula
    meaning: str
    constitutive: bool = False

    @property
    def latex(self) -> str:
        """The formula as LaTeX, with its quantifier."""
        return str(latex(self.formula)) + vocabulary.quantifier(self.formula)

    @property
    def mathml(self) -> str:
        """The formula as MathML, with its quantifier."""
        return mathml(self.latex)

    def holds(self, instance: Instance) -> bool:
        """Decide the formula on an instance, exactly.

        Raises InputError when the formula speaks of another model than the instance's.
        """
        return vocabulary.evaluate(self.formula, instance)


WEIGHTS_POSITIVE = Hypothesis("weights-positive", w[k] > 0, "Every component has mass.", True)
WEIGHTS_SUM = Hypothesis("weights-sum", equal(weight_sum, 1), "The weights are a probability distribution.", True)
COVARIANCES_DEFINITE = Hypothesis(
    "covariances-definite", PositiveDefinite(Sigma_k), "No component is degenerate.", True
)
SHARED_COVARIANCE = Hypothesis(
    "shared-covariance", equal(Sigma_k, Sigma_1), "All components have the same covariance Σ (Definition 3.1)."
)
BIAS_RANGE = Hypothesis(
    "bias-range", And(delta >= 0, delta <= 1), "The bias δ of the augmentation is a probability (Definition 5.1).", True
)
ENOUGH_COLUMNS = Hypothesis("enough-columns", r >= K, "The map has at least as many columns as there are components.")
CENTRED = Hypothesis("centred", equal(mu_bar, ZeroMatrix(d, 1)), "The mixture has mean 0.")
COLUMNS_REACH = Hypothesis("columns-reach", r >= m, "The map has at least as many columns as S_F has dimensions.")
COLUMNS_ALL = Hypothesis("columns-all", r >= d, "The map has at least as many columns as there are coordinates.")
FEWER_COLUMNS = Hypothesis("fewer-columns", r < m, "The map has fewer columns than S_F has dimensions.")
ALWAYS_MATCHED = Hypothesis("always-matched", equal(delta, 1), "Both points of a pair always come from one component.")
ONE_ORBIT = Hypothesis(
    "one-orbit",
    equal(n_orbits, 1),
    "Symmetries move each component to each other: isometries that permute the means, between equal weights.",
)
TWO_COMPONENTS = Hypothesis("two-components", equal(K, 2), "The mixture has two components.")
THREE_COMPONENTS = Hypothesis("three-components", equal(K, 3), "The mixture has three components.")
EQUAL_WEIGHTS = Hypothesis("equal-weights", equal(w[k], 1 / K), "All components have the same weight.")
BIAS_POSITIVE = Hypothesis("bias-positive", delta > 0, "Some augmented pairs come from one component.")
VISION_DEFINITE = Hypothesis("vision-definite", PositiveDefinite(Sigma_V), "Images are not degenerate.", True)
TEXT_DEFINITE = Hypothesis("text-definite", PositiveDefinite(Sigma_T), "Texts are not degenerate.", True)
VISION_COVARIANCES_DEFINITE = Hypothesis(
    "vision-covariances-definite", PositiveDefinite(Sigma_Vk), "No component of the images is degenerate.", True
)
TEXT_COVARIANCES_DEFINITE = Hypothesis(
    "text-covariances-definite", PositiveDefinite(Sigma_Tk), "No component of the texts is degenerate.", True
)
VISION_MAPS_INTO = Hypothesis(
    "vision-maps-into-means",
    equal(Pi_Vmu * Sigma_Vk * Pi_VF, Sigma_Vk * Pi_VF),
    "Every Σ_{V,k} maps S_{V,F} into the span of the means.",
)
TEXT_MAPS_INTO = Hypothesis(
    "text-maps-into-means",
    equal(Pi_Tmu * Sigma_Tk * Pi_TF, Sigma_Tk * Pi_TF),
    "Every Σ_{T,k} maps S_{T,F} into the span of the means.",
)
MATCH_RANGE = Hypothesis(
    "match-range", And(delta >= 0, delta <= 1), "The share δ of right captions is a probability; 1 in the source.", True
)
NO_WEIGHT_DECAY = Hypothesis("no-weight-decay", equal(eta, 0), "SimSiam is trained without weight decay.")
WEIGHT_DECAY = Hypothesis("weight-decay", eta > 0, "SimSiam is trained with weight decay.")
ROOM_OUTSIDE = Hypothesis("room-outside", m < d, "S_F is not the whole space.")
MEANS_INVARIANT = Hypothesis(
    "means-invariant", equal(m_joint, m), "Σ̄ maps the span of the means to itself, so that it is S_F; Σ̄ = σ²I does."
)
VISION_LINE = Hypothesis("vision-line", equal(m_V, 1), "S_{V,F} is a line.")
TEXT_LINE = Hypothesis("text-line", equal(m_T, 1), "S_{T,F} is a line.")
CORRELATED = Hypothesis(
    "correlated", Ne(Cov_VT, ZeroMatrix(d_V, d_T)), "The means of the two modalities are correlated."
)
SOME_MATCHED = Hypothesis("some-matched", delta > 0, "Some captions are right.")
SOME_COLUMN = Hypothesis("some-column", r >= 1, "A map has a column.", True)
PRODUCT = Hypothesis("product", Gt(n_blocks, 1), "The coordinates fall into at least two independent blocks.", True)
BIAS_SMALL = Hypothesis("bias-small", Gt(1, delta**2 * theta_0), "The bias is below the threshold δ₀ of the mixture.")
MAPS_INTO = Hypothesis(
    "maps-into-means", equal(Pi_mu * Sigma_k * Pi_F, Sigma_k * Pi_F), "Every Σ_k maps S_F into the span of the means."
)
SPHERICAL = Hypothesis(
    "spherical",
    equal(Sigma_k, Trace(Sigma_k) / d * Identity(d)),
    "Every Σ_k is a multiple of I, its own or a common one.",
)
COLUMNS_MATCH = Hypothesis("columns-match", equal(r, m), "The map has as many columns as S_F has dimensions.")
SYMMETRIC = Hypothesis("weights-symmetric", equal(W, W.T), "The graph is undirected.", True)
DEGREES_POSITIVE = Hypothesis("degrees-positive", EntriesPositive(W * OneMatrix(n, 1)), "Every point has weight.", True)
NONNEGATIVE = Hypothesis("weights-nonnegative", EntriesNonnegative(W), "Weights are probabilities.", True)
FEWER_VECTORS = Hypothesis("fewer-than-points", r < n, "There are fewer eigenvectors than points: λ exists.", True)

# What the models are.
MIXTURE = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE)
PAIRS = (*MIXTURE, BIAS_RANGE)
SHARED_PAIRS = (*MIXTURE, SHARED_COVARIANCE, BIAS_RANGE)
PAIRED = (WEIGHTS_POSITIVE, WEIGHTS_SUM, VISION_DEFINITE, TEXT_DEFINITE, MATCH_RANGE)
SEPARATELY_PAIRED = (
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
    VISION_COVARIANCES_DEFINITE,
    TEXT_COVARIANCES_DEFINITE,
    MATCH_RANGE,
)
GRAPH = (SYMMETRIC, DEGREES_POSITIVE)
