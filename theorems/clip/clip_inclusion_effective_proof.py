"""Proof of clip-inclusion-effective: the block argument of Theorem 5.2, one modality after the other.

L depends on W = A_V A_Tᵀ alone. Split A_V = A_in + A_out, A_in with columns in S_{V,F} and A_out orthogonal to it in
the inner product of Σ_V, and let W_t = W_in + t·W_out with W_in = A_in A_Tᵀ and W_out = A_out A_Tᵀ. Neither
E x_VᵀW_t x_T nor E log E exp(y_VᵀW_t x_T) but for its quadratic part sees t, so L(W_t) is a constant, plus t²(h + ½τ)
with h = tr(W_outᵀΣ_V W_out Σ_T) and τ ≥ 0, plus g(t) = E φ(W_tᵀx_V) with φ(z) = log Σ_l w_l exp(zᵀμ_{T,l}), convex.
W_outᵀx_V has mean 0 and is independent of W_inᵀx_V, so g has slope 0 at t = 0 and rises from there. So L(W_t) strictly
increases for t ≥ 0 unless h = 0, and h = 0 says that W_out = 0. Nothing asks that 0 ≤ δ ≤ 1, or that r is large.
"""

from __future__ import annotations

from thmverify.formulas import clip as v
from thmverify.proofs.lemmas.paired import Setting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Script
from thmverify.theorems.clip.common_proof import HYPOTHESES, Inclusion


def name_steps(argument: Inclusion) -> None:
    """Show the lines that a reader may want to see."""
    s, setting, leak = argument.s, argument.set, argument.leak
    for name, sentence, line in (
        ("product", "The loss depends on W = A_V A_Tᵀ alone.", setting.factors),
        (
            "closed-form",
            "Gaussian integrals: log E exp(xᵀWy) is a quadratic form of x plus a log-sum-exp over the means, in both "
            "directions.",
            setting.product_loss,
        ),
        (
            "projector",
            "The projector onto S_{V,F} that is orthogonal in the inner product of Σ_V: P = BJ⁻¹BᵀΣ, J = BᵀΣB ≻ 0, B a "
            "basis.",
            argument.projector,
        ),
        ("split", "So A_V = A_in + A_out, A_in = PA_V inside S_{V,F} and A_out orthogonal to it.", argument.split),
        ("means", "Suppose that W_out is orthogonal to the means", leak.orthogonal),
        ("blocks", "and to W_in in the inner product of Σ, as A_out A_Tᵀ and A_in A_Tᵀ are.", leak.crossed),
        (
            "form",
            "Then L(W_in + t W_out) is a constant, plus t²(h + ½τ), plus g(t): h = tr(W_outᵀΣ_V W_out Σ_T), τ a mean "
            "of squares, g the mean of a log-sum-exp.",
            leak.form,
        ),
        (
            "independence",
            "g has slope 0 at t = 0: W_outᵀx_V has mean 0 and is independent of W_inᵀx_V.",
            leak.independent,
        ),
        ("tangents", "g lies above its tangents, as a log-sum-exp does.", leak.tangent),
        ("rises", "So its slope at a > 0 is not negative.", leak.rises),
        ("mean-block", "τ = Σ_k w_k ‖ΛᵀW_outμ_{T,k}‖² ≥ 0, where Σ_V = ΛΛᵀ.", leak.mean_block),
        ("noise-block", "h = ‖ΛᵀW_outΩ‖² ≤ 0, Σ_T = ΩΩᵀ, only if W_out = 0.", leak.vanishes),
        ("grows", "So L strictly increases with t ≥ 0 unless W_out = 0.", leak.grows),
        ("slope", "The slope of L at W_{1+t} is (1 + t)(2h + τ) + g′(1 + t).", leak.slope),
        ("flat", "At t = 0 it is not positive only if W_out = 0.", leak.flat),
        (
            "symmetry",
            "Exchanging the modalities leaves the loss as it is: everything holds for A_T too.",
            setting.symmetry,
        ),
        (
            "minimisers",
            "A minimiser has A_out A_Tᵀ = 0, since A_in for A_V does no better: W lies inside.",
            argument.minimisers,
        ),
        (
            "stationary",
            "A stationary pair has A_out A_Tᵀ = 0, since the slope along A_out is 0.",
            argument.stationaries,
        ),
        ("grows-V", "Scaling A_out up makes L grow in the modality V,", argument.grows),
        ("grows-T", "and in the modality T.", argument.grows_in_text),
    ):
        s.step(name, sentence, line)


def prove() -> Proposal:
    """W of minimisers and stationary pairs lies inside, and whatever of W lies outside makes L grow when scaled up."""
    script = Script("clip-inclusion-effective")
    argument = Inclusion(Setting(script))
    name_steps(argument)
    line = script.both(argument.minimisers, argument.stationaries, argument.grows, argument.grows_in_text)
    return script.qed(line, {h: v.HYPOTHESES[h] for h in HYPOTHESES})
