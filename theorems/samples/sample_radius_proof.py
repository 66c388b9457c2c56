"""Proof of sample-radius, conditional on what happens on a sphere: InfoNCE of n pairs is convex in M = AAᵀ.

One thing is supposed, by name. `rises-around`: for these n pairs L̂ is larger than at A wherever ‖BBᵀ − AAᵀ‖ = ρ, A a
minimiser of L. How probable that is, and how probable at which ρ, is for `thmverify.theorems.samples.radius_common`.

The rest is derived. Let Â minimise L̂ and ‖ÂÂᵀ − AAᵀ‖ = σ > ρ. With t = ρ/σ and r ≥ d columns (1 − t)AAᵀ + tÂÂᵀ = XXᵀ
for some X, at distance ρ. As L̂ is convex, L̂(X) ≤ (1 − t)L̂(A) + tL̂(Â) ≤ L̂(A) < L̂(X). What Â has across S_F is
then bounded as in `sample-deviation`, and with it the angle of each eigenvector to S_F (Davis and Kahan): if M̂Σu =
λu, then (λ gᵀΣu)² ≤ ρ² gᵀΣg · uᵀΣu.
"""

from __future__ import annotations

from thmverify.formulas import mixtures as v
from thmverify.formulas.samples import (
    COLUMNS_ALL,
    MAP,
    PARTNERS,
    POINTS,
    RADIUS,
    SAMPLE_MAP,
    gram_distance,
    minimises_sample_infonce,
    n,
    rises_around,
    sample_infonce,
)
from thmverify.proofs.expressions import Col, Expr, Index, Real, conj, eq, eye, forall, fresh, inv, lse, num, real, tr
from thmverify.proofs.lemmas.algebra import root, square_root
from thmverify.proofs.lemmas.basic import (
    SoftMax,
    Terms,
    definition,
    positive_nonzero,
    reciprocal_positive,
    refute,
    square_norm,
    unfolded,
    weaken,
)
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.remainder import at_most_root, submultiplicative
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.infonce import infonce_inclusion_proof as infonce_inclusion
from thmverify.theorems.samples.sample_deviation_proof import HYPOTHESES, between, leak


def supposed() -> dict[str, Expr]:
    """The hypotheses, by their names."""
    return {**{name: v.HYPOTHESES[name] for name in (*HYPOTHESES, "bias-range")}, "columns-all": COLUMNS_ALL}


def assumptions(mix: v.Mixture) -> dict[str, Expr]:
    """What is supposed of the sample and ρ."""
    given = conj(*supposed().values())
    return {"rises-around": forall(MAP, lambda A: conj(given, mix.minimises_infonce(A)) >> rises_around(mix, A))}


class Segment:
    """Maps A and B, and X with XXᵀ = (1 − t)AAᵀ + tBBᵀ, 0 ≤ t ≤ 1."""

    def __init__(
        self, st: Setting, ends: tuple[Expr, Expr, Expr], shares: list[Line], between: Line, some: Line
    ) -> None:
        """Take A, B, X, lines 0 ≤ 1 − t and 0 ≤ t, what XXᵀ is, and 1 ≤ n."""
        self.s, self.st, (self.A, self.B, self.X) = st.s, st, ends
        self.shares, self.between, self.some = shares, between, some

    def _scores(self, M: Expr, i: Expr) -> Terms:
        return lambda j: tr(POINTS(i).T @ M @ PARTNERS(j))

    def bends(self, i: Expr, positive: Line) -> Line:
        """The log-sum-exp of the i-th pair at X is at most its mean at the ends: it lies above its tangents."""
        s, share = self.s, inv(real(n))
        A, B, X = (Z @ Z.T for Z in (self.A, self.B, self.X))
        rest, t = (line.right for line in self.shares)
        middle = SoftMax(s, n, lambda _: share, self._scores(rest * A + t * B, i), positive, self.some)
        parts = []
        for line, way in zip(self.shares, (t * (A - B), rest * (B - A)), strict=True):
            above = middle.tangent(self._scores(way, i))
            parts.append(s.apply("product", [[line, above]]))

        def value(M: Expr) -> Expr:
            return lse(n, lambda _: share, self._scores(M, i))

        return s.lin(value(X) <= rest * value(A) + t * value(B), parts, self.between)

    def convex(self) -> Line:
        """L̂(X) ≤ (1 − t)L̂(A) + tL̂(B)."""
        s, i = self.s, fresh(Index(n), "i")
        many = s.lin(num(0) < real(n), [self.some])
        positive = reciprocal_positive(s, many)
        bent = self.bends(i, s.gen(positive, fresh(Index(n), "j")))
        summed = s.apply("sum_order", [[s.gen(s.apply("product", [[weaken(s, positive), bent]]), i)]])
        rest, t = (line.right for line in self.shares)
        at = [sample_infonce(self.st.mix, Z) for Z in (self.A, self.B, self.X)]
        names = [(definition(s, value), factor) for value, factor in zip(at, (rest, t, 1), strict=True)]
        return s.lin(at[2] <= rest * at[0] + t * at[1], [summed, *names], self.between)


def far(s: Script, st: Setting, A: Expr, B: Expr, given: dict[str, Line], above: Line) -> Line:
    """0 < 0 from ρ² < ‖BBᵀ − AAᵀ‖², B a minimiser of L̂."""
    rho, size = RADIUS, gram_distance(st.mix, B, A)
    mark = s.mark()
    (length,), line = s.obtain(s.mp(s.known(square_root, size), s.lin(num(0) <= size, [above, given["square"]])), "σ")
    low, square = s.parts(line)
    reach = at_most_root(s, low, s.lin(rho * rho <= length * length, [above, square]), rho)
    long = s.lin(num(0) < length, [given["radius"], reach])
    inverse = s.mp(s.apply("reciprocal", [], [length]), positive_nonzero(s, long))
    short, t = weaken(s, reciprocal_positive(s, long)), rho * inv(length)
    share = s.lin(num(0) <= t, [s.apply("product", [[weaken(s, given["radius"]), short]])])
    rest = s.lin(num(0) <= 1 - t, [s.apply("product", [[reach, short]]), inverse])
    middle = s.step(
        "segment", "t = ρ/σ < 1, and (1 − t)AAᵀ + tÂÂᵀ is XXᵀ for some X, as r ≥ d.", between(s, A, B, [rest, share])
    )
    (X,), gram = s.obtain(middle, "X")
    path = Segment(st, (A, B, X), [rest, share], gram, given["pairs"])
    convex = s.step("convex", "L̂ is convex in XXᵀ: L̂(X) ≤ (1 − t)L̂(A) + tL̂(Â).", path.convex())
    at_X, at_B = (definition(s, gram_distance(st.mix, Z, A)) for Z in (X, B))
    D, S = B @ B.T - A @ A.T, st.mix.sigma_bar
    scaled = s.lin(eq(at_X.left, t * t * tr(D @ S @ D @ S)), [at_X], gram)
    there = s.lin(
        eq(at_X.left, rho * rho),
        [scaled, (at_B, t * t), (square, t * t), (inverse, rho * rho * (1 + length * inv(length)))],
    )
    there = s.step("sphere", "‖XXᵀ − AAᵀ‖ = tσ = ρ.", there)
    higher = s.step("higher", "L̂(A) < L̂(X): supposed.", s.mp(s.spec(unfolded(s, given["rises"]), X), there))
    least = s.apply("product", [[share, s.spec(unfolded(s, given["least"]), A)]])
    found = s.release(s.lin(num(0) < num(0), [higher, convex, least]), mark)
    s.forget(mark)
    return found


def angle(s: Script, st: Setting, B: Expr, across: Line) -> Line:
    """∀g. (∀k. gᵀμ_k = 0) ⟹ ∀u, λ. M̂Σu = λu ⟹ (λ gᵀΣu)² ≤ ρ² gᵀΣg · uᵀΣu, from what Â has across S_F."""
    S, M = st.mix.sigma_bar, B @ B.T
    g, u, value = fresh(Col(v.d), "g"), fresh(Col(v.d), "u"), fresh(Real, "λ")
    found = s.spec(across, g)
    flat, eigen = s.assume(found.left), s.assume(eq(M @ S @ u, value * u))
    low, share = s.mp(found, flat), tr(g.T @ S @ u)
    mark = s.mark()
    Lam, squared = root(s, st.sigma_psd, "Λ")
    rules = (s.flip(squared), st.sigma_symmetric)
    inner = submultiplicative(s, (Lam.T @ M @ S @ g).T, Lam.T @ u)
    size = s.lin(num(0) <= tr(u.T @ S @ u), [square_norm(s, Lam.T @ u)], *rules)
    room = s.apply("product", [[low, size]])
    seen = s.lin(eq(tr(g.T @ S @ M @ S @ u), value * share), [(eigen, 1, g.T @ S, eye(1))])
    bound = low.right * tr(u.T @ S @ u)
    whole = s.lin(tr(g.T @ S @ M @ S @ u) * tr(g.T @ S @ M @ S @ u) <= bound, [inner, room], *rules)
    claim = s.release(s.lin(value * share * (value * share) <= bound, [whole], s.flip(seen)), mark)
    s.forget(mark)
    return s.gen(s.discharge(s.gen(s.discharge(claim, eigen), u, value), flat), g)


def radius(s: Script) -> Line:
    """1 ≤ n, 0 < ρ, A minimises L, Â minimises L̂ ⟹ ‖ÂÂᵀ − AAᵀ‖ ≤ ρ, what Â has across S_F, and its angles to S_F."""
    st, A, B = Setting(s), v.A, SAMPLE_MAP
    formulas = {
        "pairs": num(1) <= real(n),
        "radius": num(0) < RADIUS,
        "best": st.mix.minimises_infonce(A),
        "least": minimises_sample_infonce(st.mix, B),
    }
    facts = {name: s.assume(formula) for name, formula in formulas.items()}
    lines = {name: s.assume(formula) for name, formula in assumptions(st.mix).items()}
    there = s.spec(lines["rises-around"], A)
    whole = s.both(*(s.assume(formula) for formula in supposed().values()), facts["best"])
    rises = s.step("rises", "L̂ is larger than L̂(A) at distance ρ: supposed.", s.taut(there.right, there, whole))
    size = gram_distance(st.mix, B, A)
    mark = s.mark()
    Lam, squared = root(s, st.sigma_psd, "Λ")
    square = square_norm(s, Lam.T @ (B @ B.T - A @ A.T) @ Lam)
    square = s.release(s.lin(num(0) <= size, [square, definition(s, size)], s.flip(squared)), mark)
    s.forget(mark)
    given = {**facts, "rises": rises, "square": square}

    def absurd(negated: Line) -> tuple[Line, Line]:
        above = s.taut(~(size <= RADIUS * RADIUS), negated)
        return far(s, st, A, B, given, above), s.calc(num(0) <= num(0))

    close = refute(s, size <= RADIUS * RADIUS, absurd)
    close = s.step("near", "L̂(Â) ≤ L̂(A), so L̂(X) ≤ L̂(A) < L̂(X) if σ > ρ. So ‖ÂÂᵀ − AAᵀ‖ ≤ ρ.", close)
    included = s.parts(s.cite("infonce-inclusion", infonce_inclusion.inclusion))[0]
    across = leak(s, st, A, B, s.mp(included, facts["best"]), close)
    across = s.step("leak", "Then M̂Σg = DΣg, and gᵀΣM̂ΣM̂Σg ≤ ρ² gᵀΣg.", across)
    angles = s.step("angle", "If M̂Σu = λu, then λ gᵀΣu = gᵀΣM̂Σu: Cauchy and Schwarz.", angle(s, st, B, across))
    return s.discharge(s.both(close, across, angles), *facts.values())


def prove() -> Proposal:
    """sample-radius."""
    s = Script("sample-radius")
    line = radius(s)
    return s.qed(line, supposed(), assumptions(Setting(s).mix))
