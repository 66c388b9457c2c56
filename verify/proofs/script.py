"""A script: lines, each a rule of the kernel applied to earlier ones, and the trace that they make.

Every method returns a `Line`, whose conclusion the kernel's own rule has computed. Nothing is believed here: the trace
is replayed as data. What a script does not derive it must `suppose`, and then the theorem is conditional on it by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

from thmverify.kernel.proofs import replay
from thmverify.kernel.proofs.matching import matches
from thmverify.kernel.proofs.ring import UNIT, ring_for
from thmverify.kernel.proofs.rules import Theorem, infer
from thmverify.kernel.proofs.terms import REAL, Term, instantiate, lift, lower, make
from thmverify.kernel.strict import Rejected
from thmverify.proofs.expressions import (
    Expr,
    Like,
    as_term,
    bind,
    conj,
    eq,
    exists,
    eye,
    fresh,
    new_script,
    num,
    real,
    scope,
)
from thmverify.proofs.proposal import Proposal, propose
from thmverify.proofs.trace import needed


@dataclass(frozen=True, eq=False)
class Line:
    """A theorem that a script has derived: its number, and Γ ⊢ φ."""

    script: Script
    number: int
    theorem: Theorem

    @property
    def formula(self) -> Expr:
        """The conclusion φ."""
        return Expr(self.theorem.conclusion)

    @property
    def left(self) -> Expr:
        """The left side of an equation, comparison, equivalence or implication."""
        return self.formula.left

    @property
    def right(self) -> Expr:
        """The right side of an equation, comparison, equivalence or implication."""
        return self.formula.right

    def __repr__(self) -> str:
        return f"{self.number}: {self.theorem.conclusion!r}"


@dataclass(frozen=True)
class Named:
    """A step that is shown to a reader: a name, a sentence, and the line that says it."""

    name: str
    sentence: str
    line: int


@dataclass
class Script:
    """A proof under way. `steps` are shown to a reader, everything else is detail."""

    name: str
    theory: replay.Theory = field(default_factory=replay.Theory)
    lines: list[tuple[str, list[list[int]], list[Term]]] = field(default_factory=list)
    theorems: list[Line] = field(default_factory=list)
    steps: list[Named] = field(default_factory=list)
    cited: dict[str, int] = field(default_factory=dict)
    _known: dict[Any, Line] = field(default_factory=dict)
    _chosen: list[tuple[Line, Term]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin to count made-up names."""
        new_script()

    # -- rules as they are --------------------------------------------------------------------------------------------

    def apply(self, rule: str, groups: Sequence[Sequence[Line]] = (), terms: Sequence[Like] = ()) -> Line:
        """Apply a rule of the kernel. Raises Rejected, with what was expected and found, when it does not apply."""
        return self._once(rule, groups, [as_term(t) for t in terms])

    def _once(
        self, rule: str, groups: Sequence[Sequence[Line]], terms: list[Term], theorem: Theorem | None = None
    ) -> Line:
        """The line that applies a rule, which concludes this theorem if it is known; one line however often."""
        numbers = [[p.number for p in g] for g in groups]
        key = (rule, tuple(map(tuple, numbers)), tuple(terms))
        if key not in self._known:
            found = theorem or infer(rule, [[p.theorem for p in g] for g in groups], terms)
            self._known[key] = self._add((rule, numbers, terms), found)
        return self._known[key]

    def _add(self, entry: tuple[str, list[list[int]], list[Term]], theorem: Theorem) -> Line:
        self.lines.append(entry)
        line = Line(self, len(self.lines) - 1, theorem)
        self.theorems.append(line)
        return line

    def define(self, name: str, parameters: Sequence[Expr], body: Expr) -> Callable[..., Expr]:
        """Give a term a name, unless it has it already, and return the name as a function of the parameters."""
        wanted = (tuple(p.term for p in parameters), body.term)
        known = self.theory.definitions.get(name)
        if known is None:
            self.theory.define(name, *wanted)
        elif (known.parameters, known.body) != wanted:
            raise Rejected(f"{name} is defined already, as something else")
        return lambda *arguments: Expr(self.theory.constant(name, tuple(map(as_term, arguments))))

    def unfold(self, name: str, *arguments: Like) -> Line:
        """c(x̄) = t, or ⟺, by the definition of c; at these arguments where they are given."""
        if ("definition", name) not in self._known:
            self._known["definition", name] = self._add(("definition", [], [name]), self.theory.unfolded(name))  # type: ignore[list-item]
        found = self._known["definition", name]
        return self.spec(found, *arguments) if arguments else found

    # -- logic --------------------------------------------------------------------------------------------------------

    def assume(self, formula: Expr) -> Line:
        """φ ⊢ φ."""
        return self.apply("assume", [], [formula])

    def discharge(self, line: Line, *formulas: Expr | Line) -> Line:
        """From Γ ⊢ ψ, Γ∖{φ} ⊢ φ ⟹ ψ; for several formulas the first is the outermost."""
        for f in reversed(formulas):
            line = self.apply("discharge", [[line]], [f.formula if isinstance(f, Line) else f])
        return line

    def taut(self, formula: Expr, *premises: Line) -> Line:
        """What follows from the premises by propositional logic."""
        return self.apply("tautology", [premises], [formula])

    def gen(self, line: Line, *names: Expr) -> Line:
        """From Γ ⊢ φ, Γ ⊢ ∀x. φ; for several variables the first is the outermost."""
        for x in reversed(names):
            line = self.apply("generalise", [[line]], [x])
        return line

    def spec(self, line: Line, *terms: Like) -> Line:
        """From ∀x. φ, φ[t]."""
        given = []
        formula = line.theorem.conclusion
        for t in terms:
            if formula.op != "all":
                raise Rejected(f"{line!r} is not for all values of something")
            wanted = formula.args[0]
            term = real(t).term if wanted is REAL else make("lit", t) if isinstance(t, int) else as_term(t)
            given.append(term)
            formula = instantiate(formula.args[1], term)
        return self.apply("specialise", [[line]], given) if given else line

    def mp(self, implication: Line, *premises: Line) -> Line:
        """From φ ⟹ ψ and φ, ψ: one premise after the other. Conjunctions of premises are put together."""
        for p in premises:
            wanted = implication.left
            if p.theorem.conclusion is not wanted.term and wanted.term.op == "and":
                return self.taut(implication.right, implication, *premises)
            implication = self.taut(implication.right, implication, p)
        return implication

    def parts(self, line: Line) -> list[Line]:
        """The parts of a conjunction, those of conjunctions in it too."""
        t = line.theorem.conclusion
        if t.op != "and":
            return [line]
        return [x for a in t.args for x in self.parts(self.taut(Expr(a), line))]

    def both(self, *lines: Line) -> Line:
        """The conjunction of several lines."""
        return self.taut(conj(*(p.formula for p in lines)), *lines)

    def exhibit(self, formula: Expr, witness: Like, line: Line) -> Line:
        """∃x. φ from φ[t]: the formula, t, and the line that says φ[t]."""
        return self.apply("exhibit", [[line]], [formula, witness])

    def obtain(self, existence: Line, *names: str) -> tuple[list[Expr], Line]:
        """Choose what exists: return variables with these names and the line that says what they are like.

        The choice is undone by itself when the script is done, or by `release`.
        """
        found = []
        for name in names:
            formula = existence.theorem.conclusion
            if formula.op != "ex":
                raise Rejected(f"{existence!r} says of nothing that it exists")
            x = make("var", name, formula.args[0])
            self._chosen.append((existence, x))
            existence = self.assume(Expr(instantiate(formula.args[1], x)))
            found.append(Expr(x))
        return found, existence

    def mark(self) -> int:
        """A place to `release` choices down to."""
        return len(self._chosen)

    def release(self, line: Line, mark: int = 0) -> Line:
        """Undo the choices made since the mark: the line's conclusion must not speak of what was chosen."""
        for existence, x in reversed(self._chosen[mark:]):
            chosen = instantiate(existence.theorem.conclusion.args[1], x)
            if chosen in line.theorem.hypotheses:
                line = self.apply("choose", [[existence, line]], [Expr(x)])
        return line

    def forget(self, mark: int) -> None:
        """Drop the choices made since the mark, which have been released."""
        del self._chosen[mark:]

    def let(self, name: str, value: Expr) -> tuple[Expr, Line]:
        """Give a value a name: return the variable and the line x = value."""
        there = exists(value.sort, lambda x: eq(x, value))
        ((x,), line) = self.obtain(self.exhibit(there, value, self.calc(eq(value, value))), name)
        return x, line

    def let_family(self, name: str, sorts: Sequence[Term], value: Callable[..., Expr]) -> tuple[Expr, Line]:
        """Give a function a name: return f and the line ∀x̄. f(x̄) = value(x̄)."""
        xs = [fresh(s) for s in sorts]
        body = value(*xs)
        function = body
        for x in reversed(xs):
            function = bind("lam", x, function)
        trivial = self.gen(self.calc(eq(body, body)), *xs)

        def says(f: Expr) -> Expr:
            inner = eq(f(*xs), body)
            for x in reversed(xs):
                inner = bind("all", x, inner)
            return inner

        ((f,), line) = self.obtain(self.exhibit(exists(function.sort, says), function, trivial), name)
        return f, line

    # -- algebra ------------------------------------------------------------------------------------------------------

    def calc(self, claim: Expr, *using: Line, positive: Sequence[Line] = (), psd: Sequence[Line] = ()) -> Line:
        """An equation or comparison that normal forms decide, rewritten from left to right with equations."""
        return self.lin(claim, [], *using, positive=positive, psd=psd)

    def lin(
        self,
        claim: Expr,
        combination: Iterable[Any],
        *using: Line,
        positive: Sequence[Line] = (),
        psd: Sequence[Line] = (),
    ) -> Line:
        """A linear consequence of lines, each alone or as (line, factor), or (line, factor, left, right) for matrices.

        For the claim a = b, a ≤ b or a < b, b − a is a sum of rational multiples of factor · left (y − x) right, over
        the lines x = y, x ≤ y or x < y: the rational numbers are found here, so signs need no care. A comparison takes
        no factor. An equation of numbers takes a matrix as factor where the claim is one of matrices.
        """
        matrix = claim.term.op == "eq" and Expr(claim.term.args[0]).is_matrix
        parts = [_Part.read(p if isinstance(p, tuple) else (p,), matrix) for p in combination]
        scales = _solve(claim, parts, using, positive, psd) if parts else []
        terms: list[Like] = [claim]
        for part, q in zip(parts, scales, strict=True):
            terms += part.terms(q)
        return self.apply("arithmetic", [[p.line for p in parts], using, positive, psd], terms)

    def flip(self, line: Line) -> Line:
        """b = a from a = b, under universal quantifiers too."""
        return self.under(line, lambda x: self.lin(eq(x.right, x.left), [(x, -1)]))

    def under(self, line: Line, change: Callable[[Line], Line]) -> Line:
        """Change what universal quantifiers govern."""
        names = []
        while line.theorem.conclusion.op == "all":
            names.append(fresh(line.theorem.conclusion.args[0]))
            line = self.spec(line, names[-1])
        return self.gen(change(line), *names)

    # -- rewriting ----------------------------------------------------------------------------------------------------

    def rewrite(self, equation: Line, line: Line) -> Line:
        """Replace every instance of the left side of ∀x̄. a = b (or a ⟺ b) in a line, under binders too."""
        name, template = _template(equation.theorem.conclusion, line.theorem.conclusion)
        return self.apply("rewrite", [[equation, line]], [name, template])

    def same(self, expression: Expr, *equations: Line) -> Line:
        """expression = expression with every instance of the left sides replaced, one equation after the other."""
        line = (
            self.calc(eq(expression, expression))
            if expression.sort.op != "Prop"
            else self.taut(_iff(expression, expression))
        )
        for equation in equations:
            name, template = _template(equation.theorem.conclusion, line.theorem.conclusion.args[1])
            whole = make(line.theorem.conclusion.op, None, line.theorem.conclusion.args[0], template)
            line = self.apply("rewrite", [[equation, line]], [name, whole])
        return line

    # -- the end ------------------------------------------------------------------------------------------------------

    def step(self, name: str, sentence: str, line: Line) -> Line:
        """Show a line to the reader as a step with a name and a sentence."""
        self.steps.append(Named(name, sentence, line.number))
        return line

    def cite(self, name: str, derive: Callable[[Script], Line]) -> Line:
        """Another statement's theorem, which this script derives too: its steps are not shown, its name is."""
        line = self.take(derived(name, derive))
        self.cited.setdefault(name, line.number)
        return line

    def known(self, theorem: Callable[[Script], Line], *terms: Like) -> Line:
        """A theorem that is derived once for all scripts; at these terms where they are given."""
        return self.spec(self.take(derived(theorem.__name__, theorem)), *terms)

    def take(self, line: Line) -> Line:
        """A line of another script, as one of this: with what it rests on, and with what that script cites."""
        if line not in self._known:
            self._known[line] = self._taken(line)
        return self._known[line]

    def _taken(self, line: Line) -> Line:
        other, place = line.script, dict[int, Line]()
        for known in other.theory.definitions.values():
            self.define(known.name, [Expr(p) for p in known.parameters], Expr(known.body))
        for n in needed(other, line.number):
            rule, groups, terms = other.lines[n]
            if rule == "definition":
                place[n] = self.unfold(str(terms[0]))
            else:
                place[n] = self._once(rule, [[place[i] for i in g] for g in groups], terms, other.theorems[n].theorem)
        for name, n in other.cited.items():
            if n in place:
                self.cited.setdefault(name, place[n].number)
        return place[line.number]

    def qed(self, line: Line, hypotheses: dict[str, Expr], assumptions: dict[str, Expr] | None = None) -> Proposal:
        """Return what the script proposes: choices undone, the theorem's hypotheses by their names.

        `assumptions` are steps that are supposed and not derived: a theorem that rests on one is conditional. Raises
        Rejected when the theorem rests on what is neither.
        """
        line = self.release(line)
        extra = line.theorem.hypotheses - {f.term for f in {**hypotheses, **(assumptions or {})}.values()}
        if extra:
            raise Rejected(f"the theorem rests on {[Expr(t) for t in extra]!r}, which is no hypothesis")
        return propose(self, line, hypotheses, assumptions or {})


@lru_cache(maxsize=64)
def derived(name: str, derive: Callable[[Script], Line]) -> Line:
    """The theorem of a statement, in a script of its own: derived once, for its proof and for those that cite it."""
    with scope(name):  # and afterwards names are counted on from where they were
        script = Script(name)
        with scope(name):
            return derive(script)


def _iff(p: Expr, q: Expr) -> Expr:
    return Expr(make("iff", None, p.term, q.term))


@dataclass(frozen=True)
class _Part:
    """A line with its factors, as the rule of arithmetic takes them."""

    line: Line
    factor: Expr
    left: Expr | None
    right: Expr | None

    @classmethod
    def read(cls, given: tuple[Any, ...], matrix: bool) -> _Part:
        line, *factors = given
        t = line.theorem.conclusion
        factor = factors[0] if factors and isinstance(factors[0], Expr) else num(factors[0] if factors else 1)
        if t.op != "eq" or not Expr(t.args[0]).is_matrix:
            return cls(line, factor if factor.is_matrix else real(factor), None, None)
        left, right = (*factors[1:], None, None)[:2]
        X = Expr(t.args[0])
        if not matrix and left is None and right is None and X.rows.term is not X.cols.term:
            raise Rejected(f"{line!r} is an equation of matrices: it needs a factor to give a number")
        return cls(line, real(factor), eye(X.rows) if left is None else left, eye(X.cols) if right is None else right)

    def terms(self, q: Fraction) -> list[Expr]:
        factor = self.factor
        if q != 1:
            known = factor.term.val
            factor = num(q * known) if isinstance(known, Fraction) else num(q) * factor
        return [factor] if self.left is None or self.right is None else [factor, self.left, self.right]

    def value(self, matrix: bool) -> Expr:
        """What the line gives: factor · left (y − x) right."""
        t = self.line.theorem.conclusion
        x, y = (
            (Expr(t.args[0].args[1]), Expr(t.args[0].args[0])) if t.op == "not" else (Expr(t.args[0]), Expr(t.args[1]))
        )
        if self.left is None or self.right is None:
            return self.factor * (y - x)  # as the rule writes it: what is multiplied here is known there
        whole = self.left @ (y - x) @ self.right
        return self.factor * (whole if matrix else Expr(make("tr", None, whole.term)))


def _solve(
    claim: Expr, parts: list[_Part], using: Sequence[Line], positive: Sequence[Line], psd: Sequence[Line]
) -> list[Fraction]:
    """Return rational multiples of the parts that give the claim; all 1 when none are found."""
    ring = ring_for(*([p.theorem.conclusion for p in group] for group in (using, positive, psd)))
    t = claim.term.args[0] if claim.term.op == "not" else claim.term
    a, b = (Expr(t.args[1]), Expr(t.args[0])) if claim.term.op == "not" else (Expr(t.args[0]), Expr(t.args[1]))
    matrix = a.is_matrix
    goal = ring.poly((b - a).term)
    found = [ring.poly(p.value(matrix).term) for p in parts]
    comparison = claim.term.op != "eq"
    rows = [m for m in {m: None for p in [goal, *found] for m in p} if not (comparison and m == UNIT)]
    table = [[Fraction(p.get(m, 0)) for p in (*found, goal)] for m in rows]
    solution = _eliminate(table, len(parts))
    return solution if solution is not None else [Fraction(1)] * len(parts)


def _eliminate(table: list[list[Fraction]], count: int) -> list[Fraction] | None:
    """Return a solution of the linear equations, free unknowns 1 where that keeps it a solution, or None."""
    pivots: list[int] = []
    for column in range(count):
        row = next((i for i in range(len(pivots), len(table)) if table[i][column]), None)
        if row is None:
            continue
        table[len(pivots)], table[row] = table[row], table[len(pivots)]
        top = [x / table[len(pivots)][column] for x in table[len(pivots)]]
        table[len(pivots)] = top
        for i, other in enumerate(table):
            if i != len(pivots) and other[column]:
                table[i] = [x - other[column] * y for x, y in zip(other, top, strict=True)]
        pivots.append(column)
    if any(row[count] for row in table[len(pivots) :]):
        return None
    free = {c: Fraction(1) for c in range(count) if c not in pivots}
    values = dict(free)
    for i, c in enumerate(pivots):
        values[c] = table[i][count] - sum((table[i][k] * v for k, v in free.items()), Fraction(0))
    return [values[c] for c in range(count)]


def _exactly(pattern: Term, bound: dict[object, Term], count: int) -> Term:
    """Return the pattern at these values of its variables."""
    for i in range(count):
        pattern = instantiate(pattern, lift(bound[i], count - 1 - i))
    return pattern


def _template(equation: Term, target: Term) -> tuple[Term, Term]:
    """Return a variable f and the target with each instance a(x̄) of the left side replaced by f(x̄)."""
    sorts = []
    while equation.op == "all":
        sorts.append(equation.args[0])
        equation = equation.args[1]
    if equation.op not in ("eq", "iff"):
        raise Rejected("an equation or an equivalence is expected here")
    pattern, count = equation.args[0], len(sorts)
    sort = pattern.sort
    for s in reversed(sorts):
        sort = make("Fun", None, s, lower(sort))
    name = fresh(sort, "f").term  # type: ignore[arg-type]
    memo: dict[Term, Term] = {}

    def walk(t: Term) -> Term:
        """Return t with the instances replaced; whatever binders it lies under, it is the same term."""
        if t.sort is None:
            return t
        if t not in memo:
            bound = matches(pattern, t, count) if t.sort.op == pattern.sort.op else None  # type: ignore[union-attr]
            if bound is not None and len(bound) == count and _exactly(pattern, bound, count) is t:
                memo[t] = name
                for i in reversed(range(count)):
                    memo[t] = make("ap", None, memo[t], bound[i])
            else:
                args = tuple(map(walk, t.args))
                memo[t] = t if args == t.args else make(t.op, t.val, *args)
        return memo[t]

    whole = walk(target)
    if whole is target:
        raise Rejected(f"the left side {pattern!r} does not occur in {target!r}")
    return name, whole
