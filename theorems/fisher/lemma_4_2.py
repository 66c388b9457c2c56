"""Lemma 4.2: projecting on the Fisher subspace preserves the posterior.

Let {w_k, μ_k, Σ} be a SharedGMM, S_F = span{Σ⁻¹μ_k} its Fisher subspace and A a matrix whose columns are a basis of
S_F. Then Pr(z = k | x) = Pr(z = k | Aᵀx) for every component k and every x. Sharper: for any A with independent columns
the posterior is preserved exactly when Col(A) contains S_LDA = span{Σ⁻¹(μ_k − μ_l)}, so S_LDA ⊆ S_F is the smallest
subspace that does. The two are equal exactly when the origin lies in the affine hull of the means, as it does when the
mixture is centred.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Lemma 4.2 (Definitions 3.1 and 4.1). The sources at hand break off
after "let A_F be a projection matrix": that its columns are a basis of S_F is our reading, and the sharp form is ours.

Status: proved.
"""

from __future__ import annotations

import sys
from fractions import Fraction

from flint import fmpq, fmpq_mat

from thmverify import exact, vocabulary
from thmverify.evidence import Break
from thmverify.headlines import Source
from thmverify.hypotheses import COVARIANCES_DEFINITE, SHARED_COVARIANCE, WEIGHTS_POSITIVE, WEIGHTS_SUM
from thmverify.models import GMM, AugmentedPairs, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_instance, random_matrix
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.subspaces import fisher_subspace, lda_subspace
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "lemma-4.2"
SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "Sigma_1")
HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, SHARED_COVARIANCE)
QUANTITY = Quantity(
    r"\Pr(z = k \mid x) = \frac{w_k\, \mathcal{N}(x; \mu_k, \Sigma)}{\sum_l w_l\, \mathcal{N}(x; \mu_l, \Sigma)}"
)
CONCLUSION = Conclusion(
    r"\mathrm{Col}(A) = S_F \implies \Pr(z=k \mid x) = \Pr(z=k \mid A^T x);\qquad"
    r"\Pr(z=k \mid x) = \Pr(z=k \mid A^T x) \iff "
    r"S_{LDA} = \mathrm{span}\{\Sigma^{-1}(\mu_k - \mu_l)\} \subseteq \mathrm{Col}(A)",
    "If the columns of A are a basis of S_F, then Pr(z = k | x) = Pr(z = k | Aᵀx) for every component k and every x; "
    "any A with independent columns preserves the posterior so exactly when Col(A) contains S_LDA ⊆ S_F.",
)


def preserves_posterior(mixture: SharedGMM, A: fmpq_mat) -> bool:
    """Decide exactly whether Pr(z = k | x) = Pr(z = k | Aᵀx) for every k and x; A has independent columns.

    Both log-odds of component k against component 1 are affine in x: their slopes and their constants must agree.
    """
    full, projected = mixture.sigma_inverse_mu, _projected(mixture, A)
    gradients = full - projected
    first = exact.submatrix(gradients, range(mixture.dimension), [0] * mixture.components)
    constants = mixture.mu.transpose() * gradients
    return gradients == first and all(constants[j, j] == constants[0, 0] for j in range(mixture.components))


def _projected(mixture: SharedGMM, A: fmpq_mat) -> fmpq_mat:
    """Return A(AᵀΣA)⁻¹Aᵀμ (d × K): the projected mixture's Σ⁻¹μ, pulled back to x."""
    if A.ncols() == 0:
        return exact.zeros(mixture.dimension, mixture.components)
    return A * (A.transpose() * mixture.sigma * A).solve(A.transpose() * mixture.mu)


def distances(covariance: fmpq_mat, means: fmpq_mat, x: fmpq_mat) -> list[fmpq]:
    """Return (x − μ_k)ᵀΣ⁻¹(x − μ_k) for every component."""
    K, n = means.ncols(), means.nrows()
    if n == 0:
        return [fmpq(0)] * K
    offsets = exact.hstack([x] * K, n) - means
    squares = offsets.transpose() * covariance.solve(offsets)
    return [squares[j, j] for j in range(K)]


def margin(instance: Instance) -> float:
    """Return the largest discrepancy between the log-odds given x and given Aᵀx at sampled points; 0 where they agree.

    A is a basis of S_F, the points are rational and the log-odds exact, so a hold is exactly 0.
    """
    mixture = instance.shared
    A, rng = fisher_subspace(mixture).basis, instance_rng(instance)
    G, tau = A.transpose() * mixture.sigma * A, A.transpose() * mixture.mu
    worst = fmpq(0)
    for _ in range(4):
        x = random_matrix(rng, mixture.dimension, 1)
        full, projected = distances(mixture.sigma, mixture.mu, x), distances(G, tau, A.transpose() * x)
        gaps = [(a - b) / 2 for a, b in zip(full, projected, strict=True)]
        worst = max(worst, max(gaps) - min(gaps))
    return float(exact.to_fraction(worst))


def examine(instance: Instance) -> Verdict:
    """Decide the lemma and its sharp form on the instance by exact identities between affine functions of x."""
    mixture = instance.shared
    fisher, lda = fisher_subspace(mixture), lda_subspace(mixture)
    smaller = [
        exact.submatrix(lda.basis, range(mixture.dimension), _all_but(lda.dimension, j)) for j in range(lda.dimension)
    ]
    claims = {
        "projection on S_F preserves the posterior": preserves_posterior(mixture, fisher.basis),
        "projection on S_LDA preserves the posterior": lda <= fisher and preserves_posterior(mixture, lda.basis),
        "no hyperplane of S_LDA spanned by its basis does": not any(preserves_posterior(mixture, A) for A in smaller),
    }
    broken = [sentence for sentence, true in claims.items() if not true]
    outcome = Outcome.REFUTED if broken else Outcome.PROVED
    reason = (
        f"false, decided exactly: {'; '.join(broken)}" if broken else "the log-odds agree exactly as functions of x"
    )
    return Verdict(ID, outcome, reason, provenance=Provenance.EXACT, dimension=fisher.dimension)


def changes_posterior(instance: Instance) -> Verdict:
    """Refute the lemma where the log-odds given x and given Aᵀx differ in their quadratic part, Col(A) = S_F.

    Those of component k are quadratics in x: −½xᵀΣ_k⁻¹x, and −½xᵀA(AᵀΣ_kA)⁻¹Aᵀx given Aᵀx.
    """
    mixture = instance.pairs.mixture
    A = fisher_subspace(mixture).basis
    lost = [
        s.inv() - (A * (A.transpose() * s * A).inv() * A.transpose() if A.ncols() else s * 0) for s in mixture.sigmas
    ]
    if all(quadratic == lost[0] for quadratic in lost):
        return Verdict(ID, Outcome.UNDECIDED, "the quadratic parts of the log-odds agree", provenance=Provenance.EXACT)
    reason = "the log-odds are quadratic in x, and given Aᵀx they are another quadratic"
    return Verdict(ID, Outcome.REFUTED, reason, provenance=Provenance.EXACT)


def _all_but(n: int, left_out: int) -> list[int]:
    return [j for j in range(n) if j != left_out]


HALF = Fraction(1, 2)
WITNESS = Instance(
    AugmentedPairs(
        SharedGMM(
            (HALF, Fraction(1, 3), Fraction(1, 6)),
            ((1, 0, 2), (0, 1, 0), (2, 1, 1)),
            ((2, 1, 0), (1, 2, 0), (0, 0, 1)),
        )
    ),
    3,
)

# S_F is the first axis, and the second coordinate tells the components apart by its variance.
UNLIKE = Instance(AugmentedPairs(GMM((HALF, HALF), ((1, 0), (-1, 0)), (((1, 0), (0, 1)), ((1, 0), (0, 2))))), 1)

STATEMENT = Statement(
    id=ID,
    claim=ID,
    title="Projection on the Fisher subspace preserves the posterior",
    source=Source(
        PAPER,
        "Lemma 4.2",
        "that the columns of A_F are a basis of S_F is our reading; the sharp form with S_LDA is ours",
    ),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=HYPOTHESES,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=random_instance,
    proof=Proof("thmverify.theorems.fisher.lemma_4_2_proof"),
    formal=formal(ID),
    breaks=(Break(SHARED_COVARIANCE.name, UNLIKE, changes_posterior),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
