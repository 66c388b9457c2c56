"""Proof of `infonce-key-bias-inclusion`: what a map sees outside S_LDA costs it, whatever the bias is.

A point is y = ΣGP⁻¹Gᵀy + n₀ + ρ, G a basis of S_LDA and P = GᵀΣG; ρ has mean 0 and is independent of the component and
of Gᵀy. Let A₀ be the part of A in Col(G), with the mean of b(y) over ρ as its bias. Its softmax weights times
1 + εψ(ρ_x)ψ(ρ_y), ψ odd and |ψ| ≤ 1, bound the log-sum-exp of (A, b) from below (Gibbs), and in the sum of the bounds
at ρ_x and −ρ_x no b is left: L(A, b) − L(A₀, b₀) ≥ ε ‖Aᵀ E ψρ‖² − ε² (E ψ²)². So ‖Aᵀ E ψρ‖ = 0 at a minimiser.
"""

from __future__ import annotations

from thmverify.formulas import key_bias as kb
from thmverify.formulas import mixtures as v
from thmverify.proofs.expressions import Expr, Index, eq, eye, fn, fresh, minv, total
from thmverify.proofs.lemmas.algebra import basis_of
from thmverify.proofs.lemmas.basic import definition, folded
from thmverify.proofs.lemmas.correlated import Outside
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "shared-covariance", "bias-range")


def inclusion(s: Script) -> Line:
    """MinimisesKeyBias(A) ⟹ Col(A) ⊆ S_LDA."""
    setting = Setting(s)
    best = s.assume(kb.minimises_key_bias(setting.mix, v.A))
    mix, K, w, mu, S, A = setting.mix, setting.K, setting.w, setting.mu, setting.mix.sigma_bar, v.A
    mark, k = s.mark(), fresh(Index(K), "k")
    m, is_m = s.let("m", total(K, lambda l: w(l) * mu(l)))
    spread = fn(Index(K), lambda k: minv(S) @ (mu(k) - m))
    (_, G, _, h, c), line = s.obtain(basis_of(s, spread), "m'", "G", "G⁺", "h", "c")
    independent, spans, within = s.parts(line)
    centre = s.lin(eq(mu(k), m + S @ G @ h(k)), [(s.spec(spans, k), 1, S, eye(1))], setting.sigma_inverse[0])
    centre = s.gen(centre, k)
    s.step("centre", "With a basis G of S_LDA, μ_k = μ̄ + ΣGh_k.", centre)
    outside = Outside(setting, A, G, independent, best, m, centre)
    s.step(
        "correlated",
        "Softmax weights times 1 + εψ(ρ_x)ψ(ρ_y), ψ odd, bound the loss from below: ε ‖Aᵀ E ψρ‖² ≤ ε² (E ψ²)².",
        outside.no_gain,
    )
    only = s.step("outside-vanishes", "So there is nothing outside: A = GP⁻¹GᵀΣA, P = GᵀΣG.", outside.nothing_out())
    X = minv(outside.seen.P) @ G.T @ S @ A

    def columns(k: Expr, l: Expr) -> Expr:
        return w(l) * (X.T @ c(k))

    written = total(K, lambda k: total(K, lambda l: minv(S) @ (mu(k) - mu(l)) @ columns(k, l).T))
    found = s.lin(eq(A, written), [only, (within, 1, eye(setting.d), X)], is_m, setting.weights_sum)
    predicate = kb.within_lda(mix, A)
    there = definition(s, predicate).right
    family = fn(Index(K), lambda k: fn(Index(K), lambda l: columns(k, l)))
    found = s.release(s.exhibit(there, family, found), mark)
    s.forget(mark)
    return s.discharge(folded(s, predicate, found), best)


def prove() -> Proposal:
    """infonce-key-bias-inclusion."""
    s = Script("infonce-key-bias-inclusion")
    return s.qed(inclusion(s), {name: v.HYPOTHESES[name] for name in HYPOTHESES})
