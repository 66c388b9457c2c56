"""For every centred mixture there is a δ₀ > 0 below which InfoNCE learns the whole Fisher subspace.

Let {w_k, μ_k, Σ} be a SharedGMM with mean 0 and r ≥ m = dim S_F. If 0 < δ < δ₀ then Col(A*) = S_F for every minimiser,

    δ₀² = 16 w_min / (27 ℓ⁴ D³ τ³),   ℓ = m + tr(S⁻¹Σ) on S_F,   D = max_jk (μ_j − μ_k)ᵀΣ⁻¹(μ_j − μ_k),
    τ = tr(Σ⁻¹SR⁻¹S),   R = Σ + S.

Proof, by hand. φ(z) = log Σ_k w_k exp(zᵀμ_k) = ½zᵀSz + ρ(z): its first cumulant is 0, and the third of a variable of
range c is at most c³/4, so |ρ(z)| ≤ (D zᵀΣz)^{3/2}/24. Hence, with ‖H‖² = tr(HRHR) and M₀ = δR⁻¹SR⁻¹,

    L(M) = −δ tr(SM) + ½tr(MΣMR) + E φ(Mx) = ½‖M − M₀‖² − ½‖M₀‖² + E ρ(Mx):

InfoNCE is half the spectral contrastive loss plus a cubic remainder. With e(M)² = tr(MΣMR) = E|Mx|²_Σ and Gaussian
moments, E|Mx|³_Σ ≤ √3 e³/√w_min. φ ≥ 0 and L(M*) ≤ L(0) = 0 give e(M*)² ≤ 2δ tr(SM*) ≤ 2δ √τ e(M*); and e(M₀) ≤ δ√τ.
From L(M*) ≤ L(M₀), ½‖M* − M₀‖² ≤ E ρ(M₀x) − E ρ(M*x) ≤ (9√3/24) D^{3/2} τ^{3/2} δ³/√w_min. Were rank M* < m, the left
side would be at least ½δ²/ℓ² (Eckart, Young), which is more for δ < δ₀.

The checker has no rules for this proof yet, so the statement is recorded as open; on each instance the kernel decides.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, the remark below Theorem 0.1 of the talk asks about δ < 1; the
statement is ours.

Status: open.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction
from math import isqrt

from theorems import PAPER
from theorems.infonce_equality import CLAIM, COUNTEREXAMPLE, QUANTITY, SETTING, SYMBOLS, UNCENTRED, WITNESS, margin
from theorems.infonce_equality_balanced import TRIANGLE
from theorems.infonce_equality_biased import HALF, with_bias
from theorems.theorem_5_2 import TILTED, leaks
from verify import exact, vocabulary
from verify.configurations import vanishing_threshold
from verify.evidence import Break, ByKernel
from verify.hypotheses import BIAS_POSITIVE, CENTRED, COLUMNS_REACH, SHARED_COVARIANCE, Hypothesis
from verify.models import GMM, AugmentedPairs, Instance
from verify.randomised import run_alone
from verify.sampling import random_centred_instance
from verify.statements import Conclusion, Source, Statement
from verify.verdicts import Status
from verify.vocabulary import delta, theta_0

ID = "infonce-equality-vanishing"
BIAS_SMALL = Hypothesis("bias-small", delta**2 < theta_0, "The bias is below the threshold δ₀ of the mixture.")
CONCLUSION = Conclusion(
    r"0 < \delta < \delta_0 \implies \mathrm{Col}(A^*) = S_F,\qquad "
    r"\delta_0^2 = \frac{16\, w_{\min}}{27\, \ell^4 D^3 \tau^3}",
    "Col(A*) = S_F for every minimiser A* of L over R^{d×r}.",
)


def below_threshold(instance: Instance, share: Fraction) -> Instance:
    """Return the instance with a bias δ of about this share of δ₀, and at most 1."""
    squared = exact.to_fraction(vanishing_threshold(instance.shared))
    digits = 10**12
    root = Fraction(isqrt(int(squared * digits**2)), digits)
    return with_bias(instance, min(Fraction(1), root * share))


def sample(rng: random.Random) -> Instance:
    """Draw a centred instance with δ below its threshold."""
    return below_threshold(
        random_centred_instance(rng, Fraction(1), components=(2, 3)), Fraction(rng.randint(1, 9), 10)
    )


# Means so close together that even δ = 1 is below the threshold, and covariances that tilt the minimiser out of S_F.
APART = TILTED.pairs.mixture
NEAR = Instance(AugmentedPairs(GMM(APART.weights, ((HALF, 0), (-HALF, 0)), APART.covariances)), 2)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns the whole Fisher subspace of a centred mixture once δ is small",
    source=Source(
        PAPER, "the remark below Theorem 0.1 of the talk", "asked there for all δ < 1; the statement is ours"
    ),
    status=Status.OPEN,
    symbols=(*SYMBOLS, *vocabulary.entries("m", "theta_0")),
    hypotheses=(*SETTING, COLUMNS_REACH, BIAS_POSITIVE, BIAS_SMALL),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(CLAIM),
    witness=below_threshold(WITNESS, HALF),
    sample=sample,
    claim=CLAIM,
    breaks=(
        Break(SHARED_COVARIANCE.name, NEAR, leaks),
        Break(COLUMNS_REACH.name, below_threshold(Instance(AugmentedPairs(TRIANGLE), 1), HALF), ByKernel(CLAIM)),
        Break(CENTRED.name, below_threshold(UNCENTRED.instance, HALF), ByKernel(CLAIM)),
        Break(BIAS_POSITIVE.name, with_bias(WITNESS, Fraction(0)), ByKernel(CLAIM)),
        Break(BIAS_SMALL.name, COUNTEREXAMPLE.instance, ByKernel(CLAIM)),
    ),
    evidence=(
        "A proof by hand with an explicit threshold is in the module; it has no checked script.",
        "Below the threshold the kernel proves equality on random instances, and refutes none; where δ₀ is about 10⁻⁹ "
        "or less it leaves them undecided.",
    ),
    special_case_of="infonce-equality-biased",
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
