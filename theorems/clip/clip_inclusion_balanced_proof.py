"""Proof of clip-inclusion-balanced: W lies inside, and a factor that is free nowhere has no part outside either.

Col(W) ⊆ S_{V,F} by clip-inclusion-effective, W = A_V A_Tᵀ. Split A_V = F + G with the columns of F in S_{V,F} and those
of G orthogonal to them in the inner product of a matrix N ≻ 0; so GA_Tᵀ, the part of W outside, is 0.

- Balanced, N = N_V: tr(GA_VᵀN_V A_V Gᵀ) = tr(GA_TᵀN_T A_T Gᵀ) = 0, so A_V Gᵀ = 0.
- One kernel, any N: A_T Gᵀ = 0, so A_V Gᵀ = 0.
- Of minimal norm, N = N_V: F makes the same product, so tr(A_VᵀNA_V) ≤ tr(FᵀNF) = tr(A_VᵀNA_V) − tr(GᵀNG).

Where A_V Gᵀ = 0, tr(GGᵀNGGᵀ) = tr(GGᵀNA_V Gᵀ) = 0. In each case G = 0, and A_V = F lies inside.
"""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import clip as v
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Mat,
    conj,
    eq,
    exists,
    eye,
    fn,
    forall,
    fresh,
    minv,
    pd,
    tr,
    unit,
    var,
    zero,
)
from thmverify.proofs.lemmas.algebra import inverse, root
from thmverify.proofs.lemmas.basic import semidefinite, unfolded, vanishes, vanishes_below
from thmverify.proofs.lemmas.paired import Setting, spanned
from thmverify.proofs.lemmas.projector import projector
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.clip.common_proof import HYPOTHESES, Inclusion

N_V, N_T = var("N_V", Mat(v.d_V, v.d_V)), var("N_T", Mat(v.d_T, v.d_T))
F, G = var("F", Mat(v.d_V, v.r)), var("G", Mat(v.d_V, v.r))


def form_vanishes(s: Script, definite: Line, Y: Expr, low: Line) -> Line:
    """Y = 0 from N ≻ 0 and tr(YᵀNY) ≤ 0."""
    mark = s.mark()
    N = s.parts(definite)[0].left
    half, is_square = root(s, semidefinite(s, definite), "M")
    gone = vanishes_below(s, half.T @ Y, s.lin(tr((half.T @ Y).T @ half.T @ Y) <= 0, [low], is_square))
    whole = s.lin(eq(N @ Y, zero(Y.rows, Y.cols)), [(gone, 1, half, None)], is_square)
    whole = s.release(whole, mark)
    s.forget(mark)
    return s.lin(eq(Y, zero(Y.rows, Y.cols)), [(whole, 1, minv(N), None)], inverse(s, definite)[1])


class Free:
    """The three ways in which G vanishes, for the modality V; what is said of T is got by exchanging the two."""

    def __init__(self, setting: Setting) -> None:
        """Assume that Col(W) ⊆ S_{V,F} and N_V ≻ 0."""
        self.s, self.set, self.modality = setting.s, setting, setting.pairs.vision
        self.inside = self.s.assume(self.modality.within_fisher(v.A_V @ v.A_T.T))
        self.definite = self.s.assume(pd(N_V))

    def says(self, F: Expr, G: Expr) -> Expr:
        """What the two parts of A_V are like."""
        apart = eq(F.T @ N_V @ G, zero(v.r, v.r))
        return conj(self.modality.within_fisher(F), eq(v.A_V, F + G), apart, eq(G @ v.A_T.T, zero(v.d_V, v.d_T)))

    @cached_property
    def split(self) -> Line:
        """∃F, G. WithinModality(F) ∧ A_V = F + G ∧ FᵀN_V G = 0 ∧ GA_Tᵀ = 0."""
        s = self.s
        columns = fn(Index(v.K), lambda k: minv(v.Sigma_V) @ v.mu_V(k))
        mark = s.mark()
        (P, e), facts = s.obtain(projector(s, columns, self.definite), "P", "e")
        made, keeps, mirror = s.parts(facts)
        inside, outside = P @ v.A_V, v.A_V - P @ v.A_V
        within = spanned(s, self.modality.within_fisher(inside), lambda k: v.A_V.T @ e(k), [(made, 1, None, v.A_V)])
        again = s.lin(eq(P @ P, P), [(made, 1, P, None), made], keeps)
        apart = s.lin(
            eq(inside.T @ N_V @ outside, zero(v.r, v.r)),
            [(mirror, 1, v.A_V.T, v.A_V), (mirror, 1, v.A_V.T, P @ v.A_V), (again, 1, v.A_V.T @ N_V, v.A_V)],
        )
        _, spans = s.obtain(unfolded(s, self.inside), "c")
        gone = s.lin(eq(outside @ v.A_T.T, zero(v.d_V, v.d_T)), [spans, (spans, 1, P, None)], keeps)
        line = s.both(within, s.calc(eq(v.A_V, inside + outside)), apart, gone)
        line = s.exhibit(exists(G.sort, lambda G: self.says(inside, G)), outside, line)
        line = s.exhibit(exists(F.sort, lambda F: exists(G.sort, lambda G: self.says(F, G))), inside, line)
        line = s.release(line, mark)
        s.forget(mark)
        return line

    @cached_property
    def parts(self) -> Line:
        """The two parts F and G of A_V, assumed."""
        return self.s.assume(self.says(F, G))

    @cached_property
    def crossed(self) -> Line:
        """A_V Gᵀ = 0 ⟹ G = 0: tr(GGᵀNGGᵀ) = tr(GGᵀNA_V Gᵀ) = 0."""
        s = self.s
        _, equation, apart, _ = s.parts(self.parts)
        flat = s.assume(eq(v.A_V @ G.T, zero(v.d_V, v.d_V)))
        low = s.lin(
            tr((G @ G.T).T @ N_V @ G @ G.T) <= 0,
            [(flat, 1, G @ G.T @ N_V, None), (equation, 1, G @ G.T @ N_V, G.T), (apart, 1, G.T @ G, None)],
            s.parts(self.definite)[0],
        )
        square = form_vanishes(s, self.definite, G @ G.T, low)
        gone = vanishes(s, G, s.lin(eq(tr(G.T @ G), 0), [(square, 1, eye(v.d_V), eye(v.d_V))]))
        return s.discharge(gone, flat)

    def included(self, vanishing: Line) -> Line:
        """WithinModality(A_V), from `parts` ⊢ G = 0."""
        s, mark = self.s, self.s.mark()
        within, equation, *_ = s.parts(self.parts)
        (c,), spans = s.obtain(unfolded(s, within), "c")
        claim = self.modality.within_fisher(v.A_V)
        found = s.release(spanned(s, claim, c, [equation, vanishing, spans]), mark)
        s.forget(mark)
        found = s.gen(s.discharge(found, self.parts), F, G)
        (inside, outside), facts = s.obtain(self.split, "A_in", "A_out")
        found = s.release(s.mp(s.spec(found, inside, outside), facts), mark)
        s.forget(mark)
        return found

    def concluded(self, line: Line, given: Line, *letters: Expr) -> Line:
        """∀A_V, A_T, … Col(W) ⊆ S_{V,F} ⟹ N_V ≻ 0 ⟹ given ⟹ Col(A_V) ⊆ S_{V,F}."""
        line = self.s.discharge(self.included(line), self.inside, self.definite, given)
        return self.s.gen(line, v.A_V, v.A_T, *letters)

    # -- the three ways -----------------------------------------------------------------------------------------------

    @cached_property
    def balanced(self) -> Line:
        """Of balanced factors, A_V lies inside with W."""
        s = self.s
        balance = s.assume(eq(v.A_V.T @ N_V @ v.A_V, v.A_T.T @ N_T @ v.A_T))
        gone = s.parts(self.parts)[3]
        Y = v.A_V @ G.T
        low = s.lin(tr(Y.T @ N_V @ Y) <= 0, [(balance, 1, G, G.T), (gone, 1, eye(v.d_V), N_T @ v.A_T @ G.T)])
        vanishing = s.mp(self.crossed, form_vanishes(s, self.definite, Y, low))
        return self.concluded(vanishing, balance, N_V, N_T)

    @cached_property
    def minimal(self) -> Line:
        """Of the A_V with a given product, a shortest lies inside with W."""
        s = self.s

        def same(X: Expr) -> Expr:
            return eq(X @ v.A_T.T, v.A_V @ v.A_T.T)

        shortest = s.assume(forall(F.sort, lambda X: same(X) >> (tr(v.A_V.T @ N_V @ v.A_V) <= tr(X.T @ N_V @ X))))
        _, equation, apart, gone = s.parts(self.parts)
        kept = s.lin(same(F), [(equation, 1, None, v.A_T.T), gone])
        no_longer = s.mp(s.spec(shortest, F), kept)
        whole = s.lin(
            eq(tr(v.A_V.T @ N_V @ v.A_V), tr(F.T @ N_V @ F) + tr(G.T @ N_V @ G)),
            [
                (equation, 1, v.A_V.T @ N_V, None),
                (equation, 1, F.T @ N_V, None),
                (equation, 1, G.T @ N_V, None),
                (apart, 1, None, None),
            ],
            s.parts(self.definite)[0],
        )
        vanishing = form_vanishes(s, self.definite, G, s.lin(tr(G.T @ N_V @ G) <= 0, [no_longer, whole]))
        return self.concluded(vanishing, shortest, N_V)

    @cached_property
    def one_kernel(self) -> Line:
        """If ker A_T ⊆ ker A_V, then A_V lies inside with W."""
        s = self.s
        kernel = s.assume(forall(Col(v.r), lambda c: eq(v.A_T @ c, zero(v.d_T)) >> eq(v.A_V @ c, zero(v.d_V))))
        gone = s.parts(self.parts)[3]
        i = fresh(Index(v.d_V), "i")
        there = s.lin(
            eq(v.A_T @ (G.T @ unit(i)), zero(v.d_T)), [(s.calc(eq(gone.left.T, gone.right.T), gone), 1, None, unit(i))]
        )
        here = s.mp(s.spec(kernel, G.T @ unit(i)), there)
        Y = v.A_V @ G.T
        units = s.apply("units", [], [Y.T])
        flat = s.lin(eq(Y.T, zero(v.d_V, v.d_V)), [units], s.gen(here, i))
        flat = s.calc(eq(Y, zero(v.d_V, v.d_V)), flat)
        return self.concluded(s.mp(self.crossed, flat), kernel, N_V)


class Balanced:
    """What the three ways give for both modalities, from W inside in both."""

    def __init__(self, setting: Setting) -> None:
        """Take the setting."""
        self.s, self.set, self.pairs, self.free = setting.s, setting, setting.pairs, Free(setting)
        self.claim = self.pairs.vision.within_fisher(v.A_V) & self.pairs.text.within_fisher(v.A_T)

    @cached_property
    def inside(self) -> tuple[Line, Line]:
        """W lies inside in both modalities, assumed."""
        pairs = self.pairs
        products = pairs.vision.within_fisher(v.A_V @ v.A_T.T), pairs.text.within_fisher(v.A_T @ v.A_V.T)
        return self.s.assume(products[0]), self.s.assume(products[1])

    def _in_both(
        self, line: Line, given: tuple[Line, Line], metrics: tuple[tuple[Expr, ...], tuple[Expr, ...]], *definite: Line
    ) -> Line:
        """Both factors lie inside, by a line of `Free` for each modality."""
        s, (here, there) = self.s, self.inside
        vision = s.mp(s.spec(line, v.A_V, v.A_T, *metrics[0]), here, definite[0], given[0])
        text = s.mp(s.spec(self.set.exchanged(line), v.A_T, v.A_V, *metrics[1]), there, definite[1], given[1])
        return s.both(vision, text)

    @cached_property
    def balanced(self) -> Line:
        """Balanced(A_V, A_T) ⟹ both factors lie inside."""
        s, mark = self.s, self.s.mark()
        given = s.assume(self.pairs.balanced(v.A_V, v.A_T))
        (N, M), facts = s.obtain(unfolded(s, given), "N", "M")
        *definite, balance = _metrics(s, facts)
        found = self._in_both(self.free.balanced, (balance, s.flip(balance)), ((N, M), (M, N)), *definite)
        return self._released(found, mark, given)

    @cached_property
    def minimal(self) -> Line:
        """MinimalNorm(A_V, A_T) ⟹ both factors lie inside."""
        s, mark = self.s, self.s.mark()
        given = s.assume(self.pairs.minimal_norm(v.A_V, v.A_T))
        (N, M), facts = s.obtain(unfolded(s, given), "N", "M")
        *definite, minimal = _metrics(s, facts)
        F, G = fresh(v.A_V.sort, "F"), fresh(v.A_T.sort, "G")
        same = s.assume(eq(F @ v.A_T.T, v.A_V @ v.A_T.T))
        less = s.mp(s.spec(minimal, F, v.A_T), same)
        shorter = s.lin(tr(v.A_V.T @ N @ v.A_V) <= tr(F.T @ N @ F), [less])
        vision = s.gen(s.discharge(shorter, same), F)
        alike = s.assume(eq(G @ v.A_V.T, v.A_T @ v.A_V.T))
        turned = s.lin(eq(v.A_V @ G.T, v.A_V @ v.A_T.T), [s.calc(eq(alike.left.T, alike.right.T), alike)])
        less = s.mp(s.spec(minimal, v.A_V, G), turned)
        shorter = s.lin(tr(v.A_T.T @ M @ v.A_T) <= tr(G.T @ M @ G), [less])
        text = s.gen(s.discharge(shorter, alike), G)
        found = self._in_both(self.free.minimal, (vision, text), ((N,), (M,)), *definite)
        return self._released(found, mark, given)

    @cached_property
    def one_kernel(self) -> Line:
        """OneKernel(A_V, A_T) ⟹ both factors lie inside."""
        s, c = self.s, fresh(Col(v.r), "c")
        given = s.assume(self.pairs.one_kernel(v.A_V, v.A_T))
        there, back = s.parts(s.spec(unfolded(s, given), c))
        definite = self.set.hypothesis("vision-definite"), self.set.hypothesis("text-definite")
        metrics = ((v.Sigma_V,), (v.Sigma_T,))
        found = self._in_both(self.free.one_kernel, (s.gen(back, c), s.gen(there, c)), metrics, *definite)
        return s.discharge(found, given)

    def _released(self, line: Line, mark: int, given: Line) -> Line:
        line = self.s.release(line, mark)
        self.s.forget(mark)
        return self.s.discharge(line, given)


def _metrics(s: Script, facts: Line) -> tuple[Line, Line, Line]:
    """N ≻ 0, M ≻ 0 and the rest, from their conjunction."""
    N, M, rest = (s.taut(Expr(t), facts) for t in facts.theorem.conclusion.args)
    return N, M, rest


def prove() -> Proposal:
    """Both factors of an optimal pair that is free nowhere lie inside."""
    s = Script("clip-inclusion-balanced")
    setting = Setting(s)
    pairs, effective, argument = setting.pairs, Inclusion(setting), Balanced(setting)
    free, W = argument.free, argument.inside
    optimal = pairs.minimises(v.A_V, v.A_T) | pairs.stationary(v.A_V, v.A_T)
    inside = s.taut(optimal >> conj(*(p.formula for p in W)), effective.minimisers, effective.stationaries)
    ways = s.discharge(
        s.taut(
            pairs.free_nowhere(v.A_V, v.A_T) >> argument.claim, argument.balanced, argument.minimal, argument.one_kernel
        ),
        *W,
    )
    for name, sentence, line in (
        (
            "effective",
            "W of a minimiser or a stationary pair lies inside in both modalities (clip-inclusion-effective).",
            inside,
        ),
        (
            "split",
            "Where W lies inside, A_V = F + G: F inside, G orthogonal to F in the inner product of N_V, and GA_Tᵀ = 0.",
            free.split,
        ),
        ("parts", "Let F and G be these parts.", free.parts),
        ("crossed", "If A_V Gᵀ = 0 then tr(GGᵀN_V GGᵀ) = tr(GGᵀN_V A_V Gᵀ) = 0, and G = 0.", free.crossed),
        (
            "balanced-V",
            "For balanced factors GA_VᵀN_V A_V Gᵀ = GA_TᵀN_T A_T Gᵀ = 0, so A_V Gᵀ = 0, and A_V = F lies inside.",
            free.balanced,
        ),
        (
            "minimal-V",
            "A shortest A_V for its product is no longer than F, which is shorter by tr(GᵀN_V G): so G = 0.",
            free.minimal,
        ),
        ("one-kernel-V", "If ker A_T ⊆ ker A_V then A_V Gᵀ = 0 with A_T Gᵀ.", free.one_kernel),
        ("balanced", "Exchanging the modalities, both factors of a balanced pair lie inside,", argument.balanced),
        ("minimal", "both of a pair of minimal norm,", argument.minimal),
        ("one-kernel", "and both of a pair with one kernel.", argument.one_kernel),
    ):
        s.step(name, sentence, line)
    given = s.assume(optimal & pairs.free_nowhere(v.A_V, v.A_T))
    within = s.mp(inside, s.taut(optimal, given))
    found = s.mp(ways, *s.parts(within))
    found = s.mp(found, s.taut(pairs.free_nowhere(v.A_V, v.A_T), given))
    return s.qed(s.discharge(found, given), {h: v.HYPOTHESES[h] for h in HYPOTHESES})
