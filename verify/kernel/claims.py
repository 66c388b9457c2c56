"""What each claim says of an instance, or of a set of them. A certificate quotes the hash: an edited text voids it."""

from thmverify.kernel.strict import Rejected, digest

SETTING = (
    "x ~ Σ_k w_k N(μ_k, Σ_k), Σ̄ = Σ_k w_k Σ_k, S = Σ_k w_k μ_k μ_kᵀ, R = Σ̄ + S, μ̄ = Σ_k w_k μ_k; "
    "(x, x̂) ~ δ Σ_k w_k N_k×N_k + (1−δ) F×F, C = E x x̂ᵀ = δS + (1−δ) μ̄μ̄ᵀ; S_F = span{Σ̄⁻¹μ_k}, m = dim S_F; "
    "maps are f(x) = Aᵀx with A of d × r, M = AAᵀ."
)

_INFONCE = (
    "Every minimiser A with r columns of L(A) = −E f(x)ᵀf(x̂) + E_x log E_y exp f(x)ᵀf(y), y ~ F independent of x, has"
)
_SPECTRAL = "Every minimiser A with r columns of −2 E f(x)ᵀf(x̂) + E_{x,y} (f(x)ᵀf(y))² has"
_AFFINE = "L(A, c) = −E f(x)ᵀf(x̂) + E_x log E_y exp f(x)ᵀf(y), f(x) = Aᵀx + c with A of d × r, y ~ F independent of x,"
_BARLOW = (
    "Every A with r columns, none of them 0, that minimises Σ_i (1 − c_ii)² + Σ_{i≠j} c_ij²/200 among these, c_ij = "
    "a_iᵀCa_j/√(a_iᵀRa_i · a_jᵀRa_j), has"
)
_VICREG = (
    "Every minimiser A with r columns of 25 E|f(x) − f(x̂)|² + 25 Σ_i max(0, 1 − √c_ii) + 2 Σ_{i≠j} c_ij², c_ij = "
    "a_iᵀCov(x)a_j, has"
)
_SAMPLE = (
    "Shared covariance Σ. For every n ≥ 2 and n independent pairs (x_i, x̂_i), almost surely (1/n) Σ_i [−f(x_i)ᵀf(x̂_i) "
    "+ log (1/n) Σ_j exp f(x_i)ᵀf(x̂_j)]"
)
_SIMSIAM = (
    "For weight decay η, every A (d × r) and invertible P (r × r) with PAᵀRA − AᵀCA + ηP = 0 and RAPᵀP − CAP + ηA = 0"
)
_BEST = "is as large as on any column space of at most r dimensions"

STATEMENTS = {
    "lemma-4.2": (
        "Shared covariance Σ. For every A with Col(A) = S_F and every x and k, Pr(z = k | x) = Pr(z = k | Aᵀx)."
    ),
    "fisher-optimality": (
        "J(A) = tr[(AᵀΣ̄A)⁻¹AᵀSA] ≤ tr(Σ̄⁻¹S) for every A with independent columns, "
        "with equality exactly when Col(A) ⊇ S_F."
    ),
    "infonce-inclusion": f"Shared covariance Σ. {_INFONCE} Col(A) ⊆ S_F.",
    "infonce-equality": f"Shared covariance Σ. {_INFONCE} Col(A) = S_F.",
    "translation": (
        f"Shared covariance Σ. [{_INFONCE} Col(A) = S_F] is true exactly when it is for the law of x − μ̄ in the place "
        "of that of x, with the S_F of x − μ̄."
    ),
    "infonce-top-r": f"Shared covariance Σ. {_INFONCE} a column space on which J(A) = tr[(AᵀΣA)⁻¹AᵀSA] {_BEST}.",
    "nonshared-inclusion": f"{_INFONCE} Col(A) ⊆ S_F, the covariances Σ_k being whatever they are.",
    "shared-noise-inclusion": (
        "Shared covariance Σ. (x, x̂) is with probability δ (μ_k + ξ, μ_k + ξ̂) with k ~ w and jointly Gaussian ξ, ξ̂ of "
        "mean 0, E ξξᵀ = E ξ̂ξ̂ᵀ = Σ, E ξξ̂ᵀ = Σe₁e₁ᵀΣ/Σ₁₁, e₁ the first unit vector, and else two independent draws. "
        f"{_INFONCE} Col(A) ⊆ S_F."
    ),
    "sample-inclusion": f"{_SAMPLE} has no minimiser A with r columns other than with Col(A) ⊆ S_F.",
    "sample-existence": f"{_SAMPLE} has a minimiser A with r columns.",
    "simclr-normalised-inclusion": (
        "Shared covariance Σ. For every temperature τ > 0, every A ≠ 0 with r columns that minimises "
        "−E g(x)ᵀg(x̂)/τ + E_x log E_y exp(g(x)ᵀg(y)/τ), g(x) = Aᵀx/|Aᵀx|, y ~ F independent of x, has Col(A) ⊆ S_F."
    ),
    "affine-equality": (
        f"Shared covariance Σ. {_AFFINE} has a minimiser, and each has Col(A) = S_LDA = span{{Σ⁻¹(μ_k − μ_l)}}."
    ),
    "affine-existence": f"Shared covariance Σ. {_AFFINE} has a minimiser.",
    "infonce-key-bias-equality": (
        "Shared covariance Σ. Every A with r columns and function b that minimise −E[f(x)ᵀf(x̂) + b(x̂)] + "
        "E_x log E_y exp(f(x)ᵀf(y) + b(y)), y ~ F independent of x, b in L¹(F), have Col(A) = S_LDA = "
        "span{Σ⁻¹(μ_k − μ_l)}."
    ),
    "siglip-equality": (
        "Shared covariance Σ. Every A with r columns and number b that minimise E log(1 + exp(−f(x)ᵀf(x̂) − b)) "
        "+ E log(1 + exp(f(x)ᵀf(y) + b)), y ~ F independent of x, have Col(A) = S_F."
    ),
    "whitening-inclusion": (
        "Every maximiser A of tr(AᵀCA) over the d × min(r, d) matrices with AᵀRA = I has Col(A) ⊆ S_F."
    ),
    "barlow-inclusion": f"{_BARLOW} Col(A) ⊆ S_F.",
    "barlow-equality": f"{_BARLOW} Col(A) = S_F.",
    "vicreg-inclusion": f"{_VICREG} Col(A) ⊆ S_F.",
    "vicreg-equality": f"{_VICREG} Col(A) = S_F.",
    "spectral-equality": f"{_SPECTRAL} Col(A) = S_F.",
    "spectral-top-r": f"{_SPECTRAL} a column space on which J(A) = tr[(AᵀΣ̄A)⁻¹AᵀSA] {_BEST}.",
    "pca-equality": "Every maximiser A of tr(AᵀRA) over the d × min(r, d) matrices with AᵀA = I has Col(A) = S_F.",
    "pca-top-r": (
        "Every maximiser A of tr(AᵀRA) over the d × min(r, d) matrices with AᵀA = I has a column space on which J(A) = "
        f"tr[(AᵀΣ̄A)⁻¹AᵀSA] {_BEST}."
    ),
    "simsiam-inclusion": f"{_SIMSIAM} have Col(A) ⊆ S_F.",
    "simsiam-equality": f"{_SIMSIAM} have Col(A) = S_F.",
    "simsiam-top-r": (f"{_SIMSIAM}, and with rank A = r, have a Col(A) on which J(A) = tr[(AᵀΣ̄A)⁻¹AᵀSA] {_BEST}."),
    "clip-inclusion-literal": (
        "(x_V, x_T) ~ Σ_k w_k N(μ_{V,k}, Σ_V) × N(μ_{T,k}, Σ_T), drawn independently with probability 1 − δ. "
        "Every pair A_V, A_T with r columns that minimises −2E f_V(x_V)ᵀf_T(x_T) + E log E exp(x_VᵀWy_T) "
        "+ E log E exp(y_VᵀWx_T), W = A_V A_Tᵀ, has Col(A_V) ⊆ S_{V,F} and Col(A_T) ⊆ S_{T,F}."
    ),
    "clip-inclusion-effective": (
        "For the pairs of clip-inclusion-literal: Col(W) ⊆ S_{V,F} and Col(Wᵀ) ⊆ S_{T,F}, W = A_V A_Tᵀ."
    ),
    "clip-nonshared-inclusion": (
        "(x_V, x_T) ~ Σ_k w_k N(μ_{V,k}, Σ_{V,k}) × N(μ_{T,k}, Σ_{T,k}), drawn independently with probability 1 − δ. "
        "Every pair A_V, A_T with r columns that minimises the loss of clip-inclusion-literal has Col(W) ⊆ S_{V,F} and "
        "Col(Wᵀ) ⊆ S_{T,F}, W = A_V A_Tᵀ, S_{V,F} and S_{T,F} the spans of the Σ̄⁻¹μ_k of each modality."
    ),
    "clip-effective-equality": (
        "For the pairs of clip-inclusion-literal: Col(W) = S_{V,F} and Col(Wᵀ) = S_{T,F}, W = A_V A_Tᵀ."
    ),
    "clip-top-r": (
        "For the pairs of clip-inclusion-literal: on Col(W), W = A_V A_Tᵀ, J_V(A) = tr[(AᵀΣ_V A)⁻¹AᵀS_V A], "
        f"S_V = Σ_k w_k μ_{{V,k}} μ_{{V,k}}ᵀ, {_BEST}; and likewise J_T on Col(Wᵀ)."
    ),
    "clip-shared-noise-inclusion": (
        "(x_V, x_T) is with probability δ (μ_{V,k} + ξ, μ_{T,k} + ζ) with k ~ w and jointly Gaussian ξ, ζ of mean 0, "
        "E ξξᵀ = Σ_V, E ζζᵀ = Σ_T, E ξζᵀ = Σ_V e₁e₁ᵀΣ_T/max(Σ_{V,11}, Σ_{T,11}), and else two independent draws. Every "
        "pair A_V, A_T with r columns that minimises the loss of clip-inclusion-literal has Col(A_V A_Tᵀ) ⊆ S_{V,F}."
    ),
    "population-graph-equivalence": (
        "X finite, w_{xx'} = w_{x'x} ≥ 0, w_x = Σ_x' w_{xx'}, Ā_{xx'} = w_{xx'}/√(w_x w_x'). For all k and "
        "f: X → R^k, with F_x = √w_x f(x), ‖Ā − FFᵀ‖² − [−2 Σ w_{xx'} f(x)ᵀf(x') + Σ w_x w_x' (f(x)ᵀf(x'))²] does not "
        "depend on f, so the minimisers of both are the F for which FFᵀ is the part of Ā at its k largest eigenvalues, "
        "without the negative ones."
    ),
    "population-graph-as-printed": (
        "X, w_x, Ā and F as in population-graph-equivalence. For all k and f: X → R^k, ‖Ā − FFᵀ‖² − "
        "[−2 Σ w_{xx'} f(x)ᵀf(x') + Σ w_x w_x' f(x)ᵀf(x')] does not depend on f."
    ),
    "linear-probe-bound": (
        "With λ the (r+1)-th smallest eigenvalue of I − Ā and φ the share of the weight w_{xx'} on pairs with "
        "different labels: the arg-max of the least-squares probe of the labels, weighted by w_x, on the features "
        "U_x/√w_x, U the r lowest orthonormal eigenvectors of I − Ā, errs on a share of the weight w_x of at most "
        "2φ/λ, or of 0 when r is at least the number of points."
    ),
}

COVERS = {
    "infonce-equality-three": (
        "K = 3, w = (1/3, 1/3, 1/3), shared covariance Σ, μ_1 + μ_2 + μ_3 = 0, 0 < δ ≤ 1, r ≥ dim S_F, "
        "(μ_j − μ_k)ᵀΣ⁻¹(μ_j − μ_k) ≤ `distance`² for all j and k, or whatever they are for `any`. "
        "Every minimiser A with r columns of L(A) = −E f(x)ᵀf(x̂) + E_x log E_y exp f(x)ᵀf(y), y ~ F independent of x, "
        "has Col(A) = S_F."
    ),
}


def statement_hash(claim: str) -> str:
    """Return the hash of a claim's name, its text and the setting above."""
    return digest([claim, SETTING, (STATEMENTS | COVERS)[claim]])


def check_statement(claim: object, statement: object, texts: dict[str, str]) -> None:
    """Check that a claim is one of these texts', and the statement the hash of its text."""
    if not isinstance(claim, str) or claim not in texts or statement != statement_hash(claim):
        raise Rejected("the statement is not the one of this claim")
