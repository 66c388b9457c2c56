"""Lemmas about column spaces: grams of independent columns, and the part of a map inside the Fisher subspace."""

from __future__ import annotations

from thmverify.formulas.subspaces import independent_columns
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    conj,
    delta,
    eq,
    exists,
    eye,
    fn,
    forall,
    fresh,
    iff,
    minv,
    total,
    zero,
)
from thmverify.proofs.lemmas.algebra import basis_of, inverse
from thmverify.proofs.lemmas.basic import congruence, folded, sandwich, unfolded
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.script import Line, Script


def summand_at_most(s: Script, nonnegative: Line, j: Expr) -> Line:
    """t_j ≤ Σ_k t_k, from ∀k. 0 ≤ t_k."""
    k = fresh(j.sort, "k")
    at_j, at_k = s.spec(nonnegative, j), s.spec(nonnegative, k)
    claim = delta(k, j) * at_j.right <= at_k.right
    law = s.apply("kronecker", [], [k, j])
    one, none = (s.assume(Expr(a)) for a in law.theorem.conclusion.args)
    equal, unit = s.parts(one)
    first = s.lin(claim, [(unit, at_j.right), index_equal(s, at_k.right, equal)])
    second = s.lin(claim, [(s.parts(none)[1], at_j.right), at_k])
    found = s.taut(claim, law, s.discharge(first, one), s.discharge(second, none))
    summed = s.apply("sum_order", [[s.gen(found, k)]])  # t_j = Σ_k [k = j] t_j ≤ Σ_k t_k
    return s.lin(at_j.right <= summed.right, [summed])


def summand_vanishes(s: Script, nonnegative: Line, whole: Line, j: Expr) -> Line:
    """t_j = 0, from ∀k. 0 ≤ t_k and Σ_k t_k ≤ 0."""
    at_j = s.spec(nonnegative, j)
    return s.flip(sandwich(s, at_j, s.lin(at_j.right <= 0, [summand_at_most(s, nonnegative, j), whole])))


def index_equal(s: Script, t: Expr, equal: Line) -> Line:
    """t_k = t_j from k = j."""
    line = s.same(t, equal)
    for name in line.theorem.indices - line.theorem.conclusion.free:  # the place of k, which nothing speaks of
        line = s.spec(s.gen(line, Expr(name)), equal.right)
    return line


def gram_inverse(s: Script, definite: Line, left_inverse: Line, F: Expr) -> tuple[Line, Line, Line]:
    """GG⁻¹ = I, G⁻¹G = I and G⁻¹ = (G⁻¹)ᵀ for G = FᵀXF, from X ≻ 0 and F⁺F = I."""
    return inverse(s, congruence(s, definite, F, left_inverse))


def definite_vanishes(s: Script, definite: Line, v: Expr, square: Line) -> Line:
    """A column v is 0, from X ≻ 0 and vᵀXv = 0: return v = 0."""
    strict = s.spec(s.parts(definite)[1], v)
    claim = eq(v, zero(v.rows))
    low = s.lin(Expr(strict.right.term.args[0]), [square])
    return s.taut(claim, strict, low)


class Complement:
    """A map A with independent columns: its gram G = AᵀΣ̄A, and Δ = Σ̄⁻¹ − AG⁻¹Aᵀ, for which ΔΣ̄A = 0 and ΔΣ̄Δ = Δ."""

    def __init__(self, setting: Setting, A: Expr) -> None:
        """Suppose that the columns of A are independent: GG⁻¹ = G⁻¹G = I."""
        s = self.s = setting.s
        self.set, self.A, self.Sigma = setting, A, setting.mix.sigma_bar
        self.independent = s.assume(independent_columns(s, A))
        (_,), left_inverse = s.obtain(unfolded(s, self.independent), "C")
        self.gram = A.T @ self.Sigma @ A
        self.gram_inverse = gram_inverse(s, setting.sigma_definite, left_inverse, A)
        self.delta = minv(self.Sigma) - A @ minv(self.gram) @ A.T

    @property
    def symmetric(self) -> tuple[Line, Line, Line]:
        """Σ̄, Σ̄⁻¹ and G⁻¹ are symmetric."""
        return self.set.sigma_symmetric, self.set.sigma_inverse[2], self.gram_inverse[2]

    def within(self, u: Expr) -> Line:
        """Σ̄⁻¹u ∈ Col(A) ⟺ Δu = 0: (∃c. Σ̄⁻¹u = Ac) ⟺ Δu = 0, for a column u."""
        s, A, mark = self.s, self.A, self.s.mark()
        slope = minv(self.Sigma) @ u
        inside = s.assume(exists(Col(A.cols), lambda c: eq(slope, A @ c)))
        none = s.assume(eq(self.delta @ u, zero(A.rows)))
        (c,), solved = s.obtain(inside, "c")
        one, other, _ = self.set.sigma_inverse
        parts = [  # Δu = ΔΣ̄(Σ̄⁻¹u − Ac), and ΔΣ̄A = A − AG⁻¹G
            (solved, 1, self.delta @ self.Sigma, eye(1)),
            (one, 1, self.delta, u),
            (self.gram_inverse[1], 1, A, c),
            (other, 1, eye(A.rows), A @ c),
        ]
        forward = s.release(s.lin(none.formula, parts), mark)
        s.forget(mark)
        coordinates = minv(self.gram) @ A.T @ u
        back = s.exhibit(inside.formula, coordinates, s.lin(eq(slope, A @ coordinates), [none]))
        claim = iff(inside.formula, none.formula)
        return s.taut(claim, s.discharge(forward, inside), s.discharge(back, none))


def fisher_part(setting: Setting, A: Expr) -> Line:
    """∃B. Col(B) ⊆ S_F and A − B is orthogonal to the means: ∀k. (A − B)ᵀμ_k = 0, from Σ̄ ≻ 0.

    For a basis F of S_F, B = F(FᵀΣ̄F)⁻¹FᵀΣ̄A.
    """
    s, mix, mu, K = setting.s, setting.mix, setting.mu, setting.K
    Sb, mark = mix.sigma_bar, s.mark()
    family = fn(Index(K), lambda k: minv(Sb) @ mu(k))
    (_, F, _, h, c), line = s.obtain(basis_of(s, family), "m", "F", "F⁺", "h", "c")
    left_inverse, spans, within = s.parts(line)
    symmetric, (one, _, _) = setting.sigma_symmetric, setting.sigma_inverse
    G = F.T @ Sb @ F
    _, back, gram_symmetric = gram_inverse(s, setting.sigma_definite, left_inverse, F)
    coefficients = minv(G) @ F.T @ Sb @ A
    B = F @ coefficients
    columns = fn(Index(K), lambda k: coefficients.T @ c(k))
    inside = mix.within_fisher(B)
    written = setting.unfold(inside).right
    reading = eq(B, total(K, lambda k: minv(Sb) @ mu(k) @ columns(k).T))
    found = folded(s, inside, s.exhibit(written, columns, s.lin(reading, [(within, 1, eye(F.rows), coefficients)])))
    k = fresh(Index(K), "k")
    # μ_k = Σ̄Fh_k, and (A − B)ᵀΣ̄F = Aᵀ(Σ̄F − Σ̄FG⁻¹G) = 0
    mean = s.lin(eq(mu(k), Sb @ F @ h(k)), [(one, 1, eye(Sb.rows), mu(k)), (s.spec(spans, k), 1, Sb, eye(1))])
    across = s.lin(
        eq((A - B).T @ mu(k), zero(A.cols)),
        [(mean, 1, (A - B).T, eye(1)), (back, 1, A.T @ Sb @ F, h(k))],
        symmetric,
        gram_symmetric,
    )
    both = s.both(found, s.gen(across, k))
    claim = exists(
        B.sort, lambda B: conj(mix.within_fisher(B), forall(Index(K), lambda k: eq((A - B).T @ mu(k), zero(A.cols))))
    )
    line = s.release(s.exhibit(claim, B, both), mark)
    s.forget(mark)
    return line


def spans_fisher_spans_lda(setting: Setting, A: Expr) -> Line:
    """S_F ⊆ Col(A) ⟹ S_LDA ⊆ Col(A): Σ̄⁻¹(μ_k − μ_j) = A(c_k − c_j)."""
    s, mix, mu, K = setting.s, setting.mix, setting.mu, setting.K
    spans, mark = s.assume(mix.spans_fisher(A)), s.mark()
    k, j = fresh(Index(K), "k"), fresh(Index(K), "j")
    every = unfolded(s, spans)
    (a,), first = s.obtain(s.spec(every, k), "a")
    (b,), second = s.obtain(s.spec(every, j), "b")
    claim = exists(a.sort, lambda c: eq(minv(mix.sigma_bar) @ (mu(k) - mu(j)), A @ c))
    line = s.lin(eq(minv(mix.sigma_bar) @ (mu(k) - mu(j)), A @ (a - b)), [first, second])
    line = s.release(s.exhibit(claim, a - b, line), mark)
    s.forget(mark)
    return s.discharge(folded(s, mix.spans_lda(A), s.gen(line, k, j)), spans)
