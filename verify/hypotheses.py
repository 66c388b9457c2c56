"""The hypotheses that statements about Gaussian mixtures share, each a SymPy formula."""

from __future__ import annotations

from sympy import And, Eq

from verify.statements import Hypothesis
from verify.vocabulary import K, PositiveDefinite, Sigma_1, Sigma_k, delta, k, r, w, weight_sum

WEIGHTS_POSITIVE = Hypothesis("weights-positive", w[k] > 0, "Every component has mass.")
WEIGHTS_SUM = Hypothesis("weights-sum", Eq(weight_sum, 1), "The weights are a probability distribution.")
COVARIANCES_DEFINITE = Hypothesis("covariances-definite", PositiveDefinite(Sigma_k), "No component is degenerate.")
SHARED_COVARIANCE = Hypothesis(
    "shared-covariance", Eq(Sigma_k, Sigma_1), "All components have the same covariance Σ (Definition 3.1)."
)
BIAS_RANGE = Hypothesis(
    "bias-range", And(delta >= 0, delta <= 1), "The bias δ of the augmentation is a probability (Definition 5.1)."
)
ENOUGH_COLUMNS = Hypothesis("enough-columns", r >= K, "The map has at least as many columns as there are components.")
