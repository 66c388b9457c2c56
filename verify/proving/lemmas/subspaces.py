"""Lemmas about column spaces: grams of independent columns, and the part of a map inside the Fisher subspace."""

from __future__ import annotations

from verify.proving.expressions import Expr, Index, conj, delta, eq, exists, eye, fn, forall, fresh, minv, total, zero
from verify.proving.lemmas.basic import congruence, inverse, sandwich
from verify.proving.lemmas.mixtures import Setting
from verify.proving.script import Line, Script


def unfolded(s: Script, line: Line) -> Line:
    """What a defined predicate says, from a line that is one."""
    law = definition(s, line.formula)
    return s.taut(law.right, law, line)


def folded(s: Script, predicate: Expr, line: Line) -> Line:
    """A defined predicate, from the line that says what it means."""
    return s.taut(predicate, definition(s, predicate), line)


def definition(s: Script, name: Expr) -> Line:
    """c(x̄) = t, or ⟺, for a defined name applied to arguments."""
    return s.unfold(str(name.term.val), *(Expr(a) for a in name.term.args[1:]))


def summand_vanishes(s: Script, nonnegative: Line, whole: Line, j: Expr) -> Line:
    """t_j = 0, from ∀k. 0 ≤ t_k and Σ_k t_k ≤ 0."""
    k = fresh(j.sort, "k")
    at_j, at_k = s.spec(nonnegative, j), s.spec(nonnegative, k)
    claim = delta(k, j) * at_j.right <= at_k.right
    law = s.apply("kronecker", [], [k, j])
    one, none = (s.assume(Expr(a)) for a in law.theorem.conclusion.args)
    equal, unit = s.parts(one)
    first = s.lin(claim, [(unit, at_j.right), s.same(at_k.right, equal)])
    second = s.lin(claim, [(s.parts(none)[1], at_j.right), at_k])
    found = s.taut(claim, law, s.discharge(first, one), s.discharge(second, none))
    summed = s.apply("sum_order", [[s.gen(found, k)]])  # t_j = Σ_k [k = j] t_j ≤ Σ_k t_k
    return s.flip(sandwich(s, at_j, s.lin(at_j.right <= 0, [summed, whole])))


def gram_inverse(s: Script, definite: Line, left_inverse: Line, F: Expr) -> tuple[Line, Line, Line]:
    """GG⁻¹ = I, G⁻¹G = I and G⁻¹ = (G⁻¹)ᵀ for G = FᵀXF, from X ≻ 0 and F⁺F = I."""
    return inverse(s, congruence(s, definite, F, left_inverse))


def fisher_part(setting: Setting, A: Expr) -> Line:
    """∃B. Col(B) ⊆ S_F and A − B is orthogonal to the means: ∀k. (A − B)ᵀμ_k = 0, from Σ̄ ≻ 0.

    For a basis F of S_F, B = F(FᵀΣ̄F)⁻¹FᵀΣ̄A.
    """
    s, mix, mu, K = setting.s, setting.mix, setting.mu, setting.K
    Sb, mark = mix.sigma_bar, s.mark()
    family = fn(Index(K), lambda k: minv(Sb) @ mu(k))
    (_, F, _, h, c), line = s.obtain(s.apply("basis", [], [family]), "m", "F", "F⁺", "h", "c")
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
