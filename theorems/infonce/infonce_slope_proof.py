"""Proof of `infonce-slope`: the slope of InfoNCE across the column space of a minimiser is not negative.

Let A be a minimiser with r ≥ dim S_F columns, and v a column of S_F with AᵀΣv = 0. Then AAᵀ + t vvᵀ is A′A′ᵀ for some
A′ of r columns, for every t ≥ 0, so L(t) = L(A′) has a derivative ≥ 0 at t = 0. With a_j = vᵀμ_j it is

    Σ_jk Q_jk a_j a_k − δ Σ_k w_k a_k² − (1 − δ) (Σ_k w_k a_k)²,  Q_jk = w_j E[π_k | j],

since π depends on Aᵀξ, of which vᵀξ is independent. Nothing of S_F is missed by Col(A) when every such v is 0.
"""

from __future__ import annotations

from thmverify.formulas import mixtures as v
from thmverify.kernel.proofs.terms import instantiate
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Mat,
    Real,
    conj,
    eq,
    exists,
    eye,
    fn,
    forall,
    fresh,
    lse,
    mean,
    minv,
    num,
    softmax,
    total,
    tr,
    var,
    zero,
)
from thmverify.proofs.lemmas.algebra import inverse, root
from thmverify.proofs.lemmas.basic import SoftMax, congruence, square_norm
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script, derived
from thmverify.theorems.infonce import infonce_inclusion_proof as infonce_inclusion

HYPOTHESES = (
    "weights-positive",
    "weights-sum",
    "covariances-definite",
    "shared-covariance",
    "bias-range",
    "columns-reach",
)


class Slope:
    """A map A, a column v with AᵀΣv = 0, and the loss along M_t = AAᵀ + t vvᵀ."""

    def __init__(self, s: Script, setting: Setting, A: Expr, direction: Expr, across: Line) -> None:
        """Take the line AᵀΣ̄v = 0."""
        self.s, self.set, self.A, self.v = s, setting, A, direction
        self.across = s.calc(
            eq(direction.T @ setting.mix.sigma_bar @ A, zero(1, A.cols)), across, setting.sigma_symmetric
        )

    def M(self, t: Expr) -> Expr:
        """AAᵀ + t vvᵀ."""
        return self.A @ self.A.T + t * (self.v @ self.v.T)

    def logit(self, k: Expr, l: Expr, xi: Expr, t: Expr) -> Expr:
        """(μ_k + ξ)ᵀM_tμ_l."""
        mu = self.set.mu
        return tr((mu(k) + xi).T @ self.A @ self.A.T @ mu(l)) + t * (tr((mu(k) + xi).T @ self.v) * self.a(l))

    def a(self, k: Expr) -> Expr:
        """a_k = vᵀμ_k."""
        return tr(self.v.T @ self.set.mu(k))

    def form(self, t: Expr) -> Expr:
        """The loss at M_t: a constant, less t(δ Σ w a² + (1 − δ)ā²), plus a multiple of t², plus Σ_k w_k E lse."""
        st, S, V = self.set, self.set.mix.sigma_bar, self.v
        curve = (
            num("1/2")
            * t
            * t
            * (
                tr(V.T @ S @ V) * total(st.K, lambda k: st.w(k) * self.a(k) * self.a(k))
                + tr(V.T @ S @ V) * tr(V.T @ S @ V)
            )
        )
        potential = total(
            st.K, lambda k: st.w(k) * mean(S, lambda xi: lse(st.K, st.w, lambda l: self.logit(k, l, xi, t)))
        )
        return st.quadratic(self.A) - t * self.aligned() + curve + potential

    def aligned(self) -> Expr:
        """δ Σ_k w_k a_k² + (1 − δ)(Σ_k w_k a_k)²."""
        K, w, delta = self.set.K, self.set.w, self.set.mix.delta
        mean_a = total(K, lambda k: w(k) * self.a(k))
        return delta * total(K, lambda k: w(k) * self.a(k) * self.a(k)) + (1 - delta) * mean_a * mean_a

    def value(self) -> Line:
        """∀X, t. XXᵀ = M_t ⟹ L(X) = form(t)."""
        s, st = self.s, self.set
        X, t = fresh(Mat(st.d, self.A.cols), "X"), fresh(Real, "t")
        gram = s.assume(eq(X @ X.T, self.M(t)))
        closed = st.closed_form(X)
        line = s.lin(eq(closed.left, self.form(t)), [closed], gram, self.across, st.sigma_symmetric)
        return s.gen(s.discharge(line, gram), X, t)

    def slope(self) -> Expr:
        """Σ_jk Q_jk a_j a_k − δ Σ w a² − (1 − δ)ā²."""
        return self.crossed() - self.aligned()

    def crossed(self) -> Expr:
        """Σ_jk Q_jk a_j a_k."""
        K, Q = self.set.K, self.set.mix.overlap
        return total(K, lambda j: total(K, lambda k: Q(self.A, j, k) * self.a(j) * self.a(k)))

    def derivative(self) -> Line:
        """form has the derivative `slope` at 0."""
        s, st, S = self.s, self.set, self.set.mix.sigma_bar
        V = self.v
        twice = tr(V.T @ S @ V) * total(st.K, lambda k: st.w(k) * self.a(k) * self.a(k)) + tr(V.T @ S @ V) * tr(
            V.T @ S @ V
        )

        def gain(t: Expr) -> Expr:
            def inner(k: Expr, xi: Expr) -> Expr:
                def weight(l: Expr) -> Expr:
                    return softmax(st.K, st.w, lambda m: self.logit(k, m, xi, t), l)

                return total(st.K, lambda l: weight(l) * (tr((st.mu(k) + xi).T @ V) * self.a(l)))

            return total(st.K, lambda k: st.w(k) * mean(S, lambda xi: inner(k, xi)))

        rate = fn(Real, lambda t: t * twice - self.aligned() + gain(t))
        found = s.spec(s.apply("differentiate", [[], [st.positive], []], [fn(Real, self.form), rate]), num(0))
        unfolded = s.unfold(
            "Overlap",
            *[Expr(a) for a in st.mix.overlap(self.A, fresh(Index(st.K)), fresh(Index(st.K))).term.args[1:-2]],
        )
        claim = eq(Expr(found.theorem.conclusion.args[2]), self.slope())
        same = s.lin(claim, [], self.uncorrelated(), unfolded, positive=[st.positive], psd=[st.sigma_psd])
        return s.rewrite(same, found)

    def uncorrelated(self) -> Line:
        """∀k, l. E_ξ π_l(μ_k + ξ) ξᵀv = 0: π depends on Aᵀξ alone."""
        s, st, S, A = self.s, self.set, self.set.mix.sigma_bar, self.A
        k, l = fresh(Index(st.K), "k"), fresh(Index(st.K), "l")

        def joint(u: Expr, y: Expr) -> Expr:
            logit = lambda m: tr(st.mu(k).T @ A @ A.T @ st.mu(m)) + tr(u.T @ A.T @ st.mu(m))  # noqa: E731
            return softmax(st.K, st.w, logit, l) * tr(y)

        function = fn(Col(A.cols), lambda u: fn(Col(1), lambda y: joint(u, y)))
        crossed = s.calc(eq(A.T @ S @ self.v.T.T, zero(A.cols, 1)), self.across, st.sigma_symmetric)
        line = s.apply("split", [[st.sigma_psd, crossed], [st.positive]], [S, A.T, self.v.T, function])
        claim = eq(
            mean(
                S,
                lambda xi: (
                    softmax(st.K, st.w, lambda m: tr((st.mu(k) + xi).T @ A @ A.T @ st.mu(m)), l) * tr(xi.T @ self.v)
                ),
            ),
            0,
        )
        return s.gen(s.lin(claim, [line], positive=[st.positive], psd=[st.sigma_psd]), k, l)


def attained(s: Script, setting: Setting, A: Expr, direction: Expr, reach: Line, parts: tuple[Line, Line]) -> Line:
    """∀t. 0 ≤ t ⟹ ∃X: d × r. XXᵀ = AAᵀ + t vvᵀ, for A and v in S_F and r ≥ dim S_F.

    With a basis B of S_F, A = BX₀ and v = By: X₀X₀ᵀ + t yyᵀ = ΩΩᵀ is m × m, and m ≤ r gives J with JJᵀ = I_m: X = BΩJ.
    """
    K = setting.K
    start = s.mark()
    (m,), line = s.obtain(reach, "m")
    has_basis, short = line_parts(s, line)
    (B,), line = s.obtain(has_basis, "B")
    _, has_h, _ = s.parts(line)
    (h,), spans = s.obtain(s.apply("choice", [[has_h]]), "h")
    spans = s.rewrite(s.flip(setting.sigma_unfolded), spans)
    (J,), rows = s.obtain(s.mp(s.apply("embedding", [], [m, A.cols]), short), "J")

    def combination(e: Expr) -> Expr:
        return total(K, lambda k: h(k) @ e(k).T)

    factors = []
    for X, inside, name in ((A, parts[0], "e"), (direction, parts[1], "f")):
        unfolded = setting.unfold(inside.formula)
        (e,), written = s.obtain(s.taut(unfolded.right, unfolded, inside), name)
        coefficients = combination(e)
        factors.append((coefficients, s.lin(eq(X, B @ coefficients), [written], spans)))
    (X0, is_A), (y, is_v) = factors
    t = fresh(Real, "t")
    nonnegative = s.assume(num(0) <= t)
    gram = X0 @ X0.T + t * (y @ y.T)
    definite = _gram_semidefinite(s, gram, X0, y, nonnegative)
    inner = s.mark()
    Om, is_gram = root(s, definite, "Ω")
    X = B @ Om @ J
    claim = eq(X @ X.T, A @ A.T + t * (direction @ direction.T))
    found = s.lin(claim, [(is_gram, 1, B, B.T)], rows, is_A, is_v)
    there = exists(Mat(A.rows, A.cols), lambda X: eq(X @ X.T, A @ A.T + t * (direction @ direction.T)))
    found = s.release(s.exhibit(there, X, found), inner)
    s.forget(inner)
    found = s.gen(s.discharge(found, nonnegative), t)
    found = s.release(found, start)
    s.forget(start)
    return found


def line_parts(s: Script, line: Line) -> list[Line]:
    """The parts of a conjunction, not those of conjunctions in it."""
    return [s.taut(Expr(a), line) for a in line.theorem.conclusion.args]


def _gram_semidefinite(s: Script, gram: Expr, X: Expr, y: Expr, nonnegative: Line) -> Line:
    """XXᵀ + t yyᵀ ⪰ 0 for t ≥ 0."""
    from thmverify.proofs.expressions import psd

    z = fresh(Col(gram.rows), "z")
    scaled = s.apply("product", [[nonnegative, square_norm(s, y.T @ z)]])
    form = s.lin(num(0) <= tr(z.T @ gram @ z), [square_norm(s, X.T @ z), scaled])
    return s.taut(psd(gram), s.calc(eq(gram, gram.T)), s.gen(form, z))


def slope_not_negative(s: Script, setting: Setting) -> Line:
    """A minimises ⟹ for every v in S_F with AᵀΣ̄v = 0: δ Σ w a² + (1 − δ)ā² ≤ Σ_jk Q_jk a_j a_k."""
    mix, A = setting.mix, v.A
    best = s.assume(mix.minimises_infonce(A))
    included = s.parts(s.cite("infonce-inclusion", infonce_inclusion.inclusion))[0]
    inside = s.step("inclusion", "A minimiser has Col(A) ⊆ S_F: Theorem 5.2, first half.", s.mp(included, best))
    direction = var("v", Col(setting.d))
    within, across = s.assume(mix.within_fisher(direction)), s.assume(eq(A.T @ mix.sigma_bar @ direction, zero(v.r)))
    slope = Slope(s, setting, A, direction, across)
    value = s.step(
        "form",
        "For XXᵀ = M_t = AAᵀ + t vvᵀ, L(X) is a constant, less t(δ Σ w a² + (1 − δ)ā²), plus a multiple of t², "
        "plus the log-sum-exp's mean.",
        slope.value(),
    )
    s.step("uncorrelated", "E π_l ξᵀv = 0: π depends on Aᵀξ alone, which vᵀξ is independent of.", slope.uncorrelated())
    derivative = s.step(
        "slope", "Its derivative at t = 0 is Σ Q_jk a_j a_k − δ Σ w a² − (1 − δ)ā².", slope.derivative()
    )
    reach = setting.hypothesis("columns-reach")
    there = s.step(
        "attained",
        "M_t is XXᵀ for some X of r columns, for every t ≥ 0.",
        attained(s, setting, A, direction, reach, (inside, within)),
    )
    t = fresh(Real, "t")
    nonnegative = s.assume(num(0) <= t)
    mark = s.mark()
    (X,), gram = s.obtain(s.mp(s.spec(there, t), nonnegative), "X")
    unfolded = s.taut(setting.unfold(best.formula).right, setting.unfold(best.formula), best)
    here = s.mp(s.spec(value, A, num(0)), s.calc(eq(A @ A.T, slope.M(num(0)))))
    grown = s.lin(
        slope.form(num(0)) <= slope.form(num(0) + t), [here, s.mp(s.spec(value, X, t), gram), s.spec(unfolded, X)]
    )
    grown = s.release(grown, mark)
    s.forget(mark)
    rises = s.gen(s.discharge(grown, nonnegative), t)
    line = s.apply("fermat", [[derivative, rises]])
    line = s.step("first-order", "So it is not negative.", s.lin(slope.aligned() <= slope.crossed(), [line]))
    steep = s.gen(_under(s, line, within, across), direction)
    return s.discharge(s.both(inside, steep), best)


def _under(s: Script, line: Line, *given: Line) -> Line:
    """φ_1 ∧ … ⟹ ψ from a line that rests on φ_1, …"""
    whole = s.assume(conj(*(g.formula for g in given)))
    implied = s.discharge(line, *given)
    return s.discharge(s.taut(line.formula, implied, whole), whole)


def overlap_facts(s: Script, setting: Setting) -> Line:
    """Q_jk > 0 and Σ_k Q_jk = w_j; and Q_jk = w_j w_k at A = 0."""
    mix, K, w, mu, S, A = setting.mix, setting.K, setting.w, setting.mu, setting.mix.sigma_bar, v.A
    j, k, xi = fresh(Index(K), "j"), fresh(Index(K), "k"), fresh(Col(setting.d), "xi")
    unfold = setting.unfold(mix.overlap(A, j, k))
    soft = SoftMax(s, K, w, lambda l: tr((mu(j) + xi).T @ A @ A.T @ mu(l)), setting.positive, setting.nonempty)
    weight = s.gen(s.spec(soft.weight_positive(), k), xi)
    mean_positive = s.apply("mean_order", [[weight], [setting.positive]], [S])
    mean_positive = s.lin(num(0) < mean_positive.right, [mean_positive])
    positive = s.lin(
        num(0) < mix.overlap(A, j, k), [s.apply("product", [[s.spec(setting.positive, j), mean_positive]]), unfold]
    )
    one = s.gen(soft.sums_to_one(), xi)
    averaged = s.same(
        mean(S, lambda xi: total(K, lambda l: softmax(K, w, lambda m: tr((mu(j) + xi).T @ A @ A.T @ mu(m)), l))), one
    )
    rows = s.lin(
        eq(total(K, lambda l: mix.overlap(A, j, l)), w(j)),
        [(averaged, w(j))],
        s.gen(unfold, k),
        positive=[setting.positive],
    )
    nothing = s.assume(eq(A, zero(setting.d, v.r)))
    flat = SoftMax(s, K, w, lambda _: num(0), setting.positive, setting.nonempty)
    at_k = s.lin(eq(flat.p(k), w(k)), [s.spec(flat.weights, k)], s.lin(eq(flat.whole, 1), [setting.weights_sum]))
    product = s.lin(eq(mix.overlap(A, j, k), w(j) * w(k)), [unfold, (at_k, w(j))], nothing)
    product = s.discharge(s.gen(product, j, k), nothing)
    return s.both(s.gen(positive, j, k), s.gen(rows, j), product)


def contains(s: Script, setting: Setting) -> Line:
    """S_F ⊆ Col(A), if every v in S_F with AᵀΣ̄v = 0 has vᵀμ_k = 0 for all k."""
    mix, K, mu, S, A = setting.mix, setting.K, setting.mu, setting.mix.sigma_bar, v.A
    k = fresh(Index(K), "k")
    within = s.assume(mix.within_fisher(A))
    missed = s.assume(nothing_missed(setting, A))
    mark = s.mark()
    (rho, F, _plus, H, right), line = s.obtain(s.apply("factorisation", [], [A]), "ρ", "F", "F⁺", "H", "H⁺")
    is_A, independent, onto = s.parts(line)
    P = F.T @ S @ F
    s.step("factor", "A = FH with independent columns F and rows H, ρ of them: none where A = 0.", line)
    back, _, symmetric = inverse(
        s, s.step("gram", "P = FᵀΣF ≻ 0.", congruence(s, setting.sigma_definite, F, independent))
    )
    V = minv(S) @ mu(k) - F @ minv(P) @ F.T @ mu(k)  # what Σ⁻¹μ_k has outside Col(A)
    # V lies in S_F: F = AH⁺ does.
    unfolded = setting.unfold(within.formula)
    (e,), written = s.obtain(s.taut(unfolded.right, unfolded, within), "e")
    F_is = s.lin(eq(F, A @ right), [(is_A, 1, eye(setting.d), right), (onto, 1, F, eye(rho))])
    inner = right @ minv(P) @ F.T @ mu(k)
    family = fn(Index(K), lambda l: _delta(l, k) * eye(1) - inner.T @ e(l))
    spanned = total(K, lambda l: minv(S) @ mu(l) @ family(l).T)
    V_within = s.lin(
        eq(V, spanned), [(F_is, 1, eye(setting.d), minv(P) @ F.T @ mu(k)), (written, 1, eye(setting.d), inner)]
    )
    claim = setting.unfold(mix.within_fisher(V))
    inside = s.taut(claim.left, claim, s.exhibit(claim.right, family, V_within))
    flat = s.calc(eq(F.T @ S @ V, zero(rho)), setting.sigma_inverse[0], back)
    across = s.lin(eq(A.T @ S @ V, zero(v.r)), [(flat, 1, H.T, eye(1))], is_A)
    none = s.spec(s.mp(s.spec(missed, V), s.both(inside, across)), k)
    # 0 = Vᵀμ_k = VᵀΣV, as VᵀΣF = 0
    length = s.lin(
        eq(tr(V.T @ S @ V), 0),
        [none, (flat, 1, mu(k).T @ F @ minv(P), eye(1))],
        setting.sigma_inverse[0],
        setting.sigma_inverse[2],
        setting.sigma_symmetric,
        symmetric,
    )
    gone = _definite_vanishes(s, setting.sigma_definite, V, length)
    reached = s.lin(
        eq(minv(S) @ mu(k), A @ (right @ minv(P) @ F.T @ mu(k))),
        [gone, (F_is, 1, eye(setting.d), minv(P) @ F.T @ mu(k))],
    )
    found = setting.unfold(mix.spans_fisher(A))
    wanted = Expr(instantiate(found.right.term.args[1], k.term))
    everywhere = s.gen(s.exhibit(wanted, right @ minv(P) @ F.T @ mu(k), reached), k)
    line = s.release(s.taut(found.left, found, everywhere), mark)
    s.forget(mark)
    return _under(s, line, within, missed)


def _delta(l: Expr, k: Expr) -> Expr:
    from thmverify.proofs.expressions import delta

    return delta(l, k)


def _definite_vanishes(s: Script, definite: Line, V: Expr, zero_form: Line) -> Line:
    """V = 0 from X ≻ 0 and tr(VᵀXV) = 0."""
    positive = s.parts(definite)[1]
    claim = eq(V, zero(V.rows))
    strict = s.spec(positive, V)
    low = s.lin(strict.right.right <= 0, [zero_form])
    return s.taut(claim, strict, low)


def nothing_missed(setting: Setting, A: Expr) -> Expr:
    """Every v in S_F with AᵀΣ̄v = 0 has vᵀμ_k = 0 for all k."""
    mix = setting.mix
    return forall(
        Col(setting.d),
        lambda v: (
            conj(mix.within_fisher(v), eq(A.T @ mix.sigma_bar @ v, zero(A.cols)))
            >> forall(Index(setting.K), lambda k: eq(tr(v.T @ setting.mu(k)), 0))
        ),
    )


def slope(s: Script) -> Line:
    """The three facts of `infonce-slope`, in this order."""
    setting = Setting(s)
    steep = slope_not_negative(s, setting)
    overlap = s.step("overlap", "A softmax is positive and sums to 1; at A = 0 it is w.", overlap_facts(s, setting))
    return s.both(steep, overlap, s.step("contains", "If no v is missed, S_F ⊆ Col(A).", contains(s, setting)))


def prove() -> Proposal:
    """infonce-slope."""
    line = derived("infonce-slope", slope)
    return line.script.qed(line, {name: v.HYPOTHESES[name] for name in HYPOTHESES})
