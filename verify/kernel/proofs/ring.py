"""Normal forms: polynomials in traces of words of matrices, under sums of symbolic length and Gaussian means.

A polynomial is {monomial: coefficient}; a monomial is (slots, factors, word): Σ over its slots, each an index below a
size, of a product of real atoms with exponents, times a word of matrices (empty for a real number). Words are cut where
a size is 1, so 1 × 1 words commute; exponentials multiply by adding exponents; nothing else cancels, X⁻¹X least of all,
unless an equation that is a theorem is given to rewrite with, from left to right. No size is ever given a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise, permutations
from typing import NamedTuple, TypeAlias

from thmverify.kernel.proofs.matching import (
    Binding,
    Letter,
    Shape,
    Word,
    letters,
    match,
    match_words,
    matches,
    matrix,
    readings,
    sizes,
    turned,
)
from thmverify.kernel.proofs.tame import degree, holds_variable, is_tame
from thmverify.kernel.proofs.terms import ONE, REAL, Term, close, index, instantiate, lift, lower, make, rebuild, shape
from thmverify.kernel.strict import Rejected

Number: TypeAlias = int | Fraction  # an integer is an int: it is faster
Factors: TypeAlias = tuple[tuple[Term, Number], ...]
Monomial: TypeAlias = tuple[tuple[Term, ...], Factors, Word]
Poly: TypeAlias = dict[Monomial, Number]

MAX_MONOMIALS, MAX_SLOTS, MAX_REWRITES, MAX_DEGREE, MAX_POWER = 5000, 6, 20000, 8, 64
MAX_STEPS, MAX_BITS = 10**5, 10**4
UNIT: Monomial = ((), (), ())
XI = frozenset({0})  # the random column, just inside its mean


class Pattern(NamedTuple):
    """The left side of an equation ∀x̄. left = right, a scale times one monomial; `right` has the same variables.

    `names` are free variables of the left side: where one is missing there is no use for the equation.
    """

    monomial: Monomial
    right: Term
    variables: int
    scale: Number
    names: frozenset[Term]
    form: Shape


@lru_cache(maxsize=2**12)
def number(q: int | Fraction) -> Term:
    """Return a rational number as a term."""
    return make("num", Fraction(q))


def _over(a: Number, b: Number) -> Number:
    """Return a/b, as an int where it is one."""
    q = Fraction(a) / b
    return q.numerator if q.denominator == 1 else q


def strip(formula: Term) -> tuple[int, Term]:
    """Return how many universal quantifiers a formula begins with, and what they govern."""
    count = 0
    while formula.op == "all":
        count, formula = count + 1, formula.args[1]
    return count, formula


def _dot(word: Sequence[Term]) -> Term:
    return word[0] if len(word) == 1 else make("dot", None, *word)


def _word_key(word: Word) -> tuple[tuple[bytes, bool], ...]:
    return tuple((x.key, t) for x, t in word)


def _factor_key(factor: tuple[Term, Number]) -> tuple[bytes, Number]:
    return factor[0].key, factor[1]


def _key(m: Monomial) -> tuple[object, ...]:
    return tuple(s.key for s in m[0]), tuple(map(_factor_key, m[1])), _word_key(m[2])


def _collected(parts: Iterable[tuple[Term, Number]]) -> Factors:
    powers: dict[Term, Number] = {}
    for atom, power in parts:
        powers[atom] = powers.get(atom, 0) + power
    for atom, power in powers.items():
        if not -MAX_POWER <= power <= MAX_POWER and atom.op != "exp":
            raise Rejected("a power is too large")
    return tuple(sorted([f for f in powers.items() if f[1]], key=_factor_key))


def _slots_in(m: Monomial) -> set[Term]:
    """Return the slots that a monomial sums over or speaks of."""
    parts = [a for a, _ in m[1]] + [x for x, _ in m[2]]
    return set(m[0]).union(*({v for v in t.free if v.op == "slot"} for t in parts))


def _names_in(m: Monomial) -> frozenset[Term]:
    """Return the free variables, and the slots that a monomial does not sum over."""
    return frozenset().union(*(a.free for a, _ in m[1]), *(x.free for x, _ in m[2])).difference(m[0])


def _fresh(slots: Sequence[Term], taken: Iterable[Term]) -> list[Term]:
    """Return slots for the same sizes, with the smallest numbers that are not taken."""
    used = {s.val for s in taken}
    numbers = (i for i in range(10**6) if i not in used)
    return [make("slot", next(numbers), s.args[0]) for s in slots]


def _swap(t: Term, values: dict[Term, Term]) -> Term:
    """Return t with slots replaced by indices, all at once."""
    return rebuild(t, lambda x, depth: lift(values[x], depth) if x in values else None, values)


class Ring:
    """Normal forms, given some theorems: equations to rewrite with, positive weights, covariances."""

    def __init__(
        self, equations: Sequence[Term] = (), positive: Sequence[Term] = (), definite: Sequence[Term] = ()
    ) -> None:
        """Take ∀x̄. a = b; ∀x̄ ∀k. 0 < w_k as (its count of x̄, size, w_k); functions and covariances likewise."""
        self._memo: dict[Term, Poly] = {}
        self._products: dict[tuple[Monomial, Monomial], Poly] = {}
        self._changed: dict[Monomial, Poly] = {}
        self._ways: dict[Word, list[Word]] = {}
        self._count = self._steps = 0
        self._patterns: list[Pattern] = []
        self._symmetric: list[tuple[int, Term]] = []
        self._positive: list[tuple[int, Term, Term]] = []
        self._convex: list[tuple[int, Term]] = []
        self._moderate: list[tuple[int, Term]] = []
        self._definite: list[tuple[int, Term]] = []
        for equation in equations:  # each is read by those before it
            self._add_pattern(equation)
        for formula in positive:
            variables, inner = strip(formula)
            function = _convex_function(inner)
            if function is not None:
                self._convex.append((variables, function))
                continue
            if inner.op == "moderate":
                self._moderate.append((variables + 1, self.normal(applied(inner.args[0]))))
                continue
            if (
                variables == 0
                or inner.op != "not"
                or inner.args[0].op != "le"
                or inner.args[0].args[1] is not number(0)
            ):
                raise Rejected(
                    "a theorem about weights reads ∀k. 0 < w_k, one about a function that it is convex or moderate"
                )
            self._positive.append(
                (variables - 1, self._quantified(formula, variables), self.normal(inner.args[0].args[0]))
            )
        for formula in definite:
            variables, inner = strip(formula)
            if (
                inner.op != "and"
                or not inner.args
                or inner.args[0].op != "eq"
                or inner is not semidefinite(inner.args[0].args[0])
            ):
                raise Rejected("a theorem about a covariance reads Σ ⪰ 0")
            self._definite.append((variables, self.normal(inner.args[0].args[0])))
        self._forget()

    @staticmethod
    def _quantified(formula: Term, count: int) -> Term:
        for _ in range(count - 1):
            formula = formula.args[1]
        if formula.args[0].op != "Index":
            raise Rejected("a theorem about positive weights ends with a quantifier over an index")
        return formula.args[0].args[0]

    def _forget(self) -> None:
        """Forget normal forms, which may have been found with fewer theorems."""
        self._memo.clear()
        self._products.clear()
        self._changed.clear()
        self._ways.clear()

    def restart(self) -> None:
        """Count rewriting and steps from 0, and begin to remember anew when that has become much."""
        self._count = self._steps = 0
        if len(self._products) > MAX_STEPS:
            self._forget()

    def equal(self, a: Term, b: Term) -> bool:
        """Return whether a and b have one normal form."""
        return not self.add(self.poly(a), self.poly(b), -1)

    def normal(self, t: Term) -> Term:
        """Return the normal form of a real number or matrix, as a term."""
        if t.sort is None:
            raise Rejected("a sort has no normal form")
        return self.term(self.poly(t), t.sort)

    def _upright(self, letter: Letter) -> Letter:
        """Return the letter, not transposed where a theorem says that the matrix is symmetric."""
        x, back = letter
        return (x, back and not any(_fits(pattern, x, variables) for variables, pattern in self._symmetric))

    def _transposed(self, word: Word) -> Word:
        return tuple(map(self._upright, turned(word)))

    def _readings(self, word: Word) -> list[Word]:
        """Return every way to write the trace of a word that begins and ends with a size 1, or that goes round."""
        found = self._ways.get(word)
        if found is None:
            found = self._ways[word] = readings(word, self._upright)
        return found

    # -- sums and products --------------------------------------------------------------------------------------------

    def add(self, p: Poly, q: Poly, scale: Number = 1) -> Poly:
        """Return p + scale · q."""
        found = dict(p)
        self._into(found, q, scale)
        return found

    def _into(self, found: Poly, q: Poly, scale: Number = 1) -> None:
        """Add scale · q to what was found."""
        for m, c in q.items():
            value = found.get(m, 0) + scale * c
            if not value:
                found.pop(m, None)
                continue
            if type(value) is int and -MAX_STEPS < value < MAX_STEPS:  # most are
                found[m] = value
                continue
            if value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
                raise Rejected("the numbers of an expression are too long")
            found[m] = value
        if len(found) > MAX_MONOMIALS:
            raise Rejected("an expression has too many terms")

    def times(self, p: Poly, q: Poly) -> Poly:
        """Return the product of p and q, p on the left where they are matrices."""
        if len(p) * len(q) > 8 * MAX_MONOMIALS:
            raise Rejected("a product has too many terms")
        found: Poly = {}
        for m, c in p.items():
            for n, e in q.items():
                if len(p) == len(q) == c == e == 1:
                    return self._times(m, n)
                self._into(found, self._times(m, n), c * e)
        return found

    def _times(self, m: Monomial, n: Monomial) -> Poly:
        found = self._products.get((m, n))
        if found is None:
            a = self._apart(m, _slots_in(n)) if m[0] else m
            b = self._apart(n, _slots_in(a)) if n[0] else n
            found = self._products[m, n] = self._sum((*a[0], *b[0]), self._tidy((*a[1], *b[1]), (*a[2], *b[2])))
        return found

    def _apart(self, m: Monomial, taken: set[Term]) -> Monomial:
        """Return the monomial with its own slots renamed so that none is taken."""
        if taken.isdisjoint(m[0]):
            return m
        names = _fresh(m[0], taken | _slots_in(m))
        return tuple(names), *self._moved(m[1:], dict(zip(m[0], names, strict=True)))

    def _moved(self, parts: tuple[Factors, Word], values: dict[Term, Term]) -> tuple[Factors, Word]:
        """Return factors and a word with slots renamed. Raises Rejected when they are no longer one monomial."""
        found = self._renamed(parts, values)
        for (own, factors, word), c in found.items():
            if len(found) == c == 1 and not own:
                return factors, word
        raise Rejected("a monomial falls apart when its indices are renamed")

    def _sum(self, slots: Sequence[Term], p: Poly) -> Poly:
        """Return Σ over slots of p: they bind what p says of them."""
        if not slots:
            return p
        found: Poly = {}
        for m, c in p.items():
            own, factors, word = self._apart(m, set(slots))
            self._into(found, self._rewritten(self._canonical((*slots, *own), factors, word)), c)
        return found

    def _renamed(self, parts: tuple[Factors, Word], values: dict[Term, Term]) -> Poly:
        """Return factors times a word with slots replaced by indices."""
        return self._mapped(parts, lambda t: _swap(t, values))

    def _mapped(self, parts: tuple[Factors, Word], change: Callable[[Term], Term]) -> Poly:
        """Return factors times a word with each atom and letter changed, and brought to normal form again."""
        found: Poly = {UNIT: 1}
        for atom, power in parts[0]:
            changed = change(atom)
            found = self.times(
                found,
                {((), ((atom, power),), ()): 1} if changed is atom else self._power(self.poly(changed), power),
            )
        for x, t in parts[1]:
            changed = change(x)
            found = self.times(found, self.poly(matrix((changed, t))))
        return found

    def _power(self, p: Poly, power: Number) -> Poly:
        if len(p) == 1:
            ((slots, factors, word),) = p
            if not slots and not word and p[slots, factors, word] == 1 and all(a.op == "exp" for a, _ in factors):
                return {((), _collected((a, e * power) for a, e in factors), ()): 1}
        if power.denominator != 1 or not 0 < power <= MAX_DEGREE:
            raise Rejected("a power is not a small natural number")
        found = p
        for _ in range(int(power) - 1):
            found = self.times(found, p)
        return found

    def _tidy(self, factors: Iterable[tuple[Term, Number]], word: Word) -> Poly:
        """Return factors times a word in normal form: what lies between two sizes 1 in the word is a number."""
        numbers: Poly = {((), _collected(factors), ()): 1}
        if not word:
            return self._rewritten(numbers)
        between = [*(sizes(x)[0] for x in word), sizes(word[-1])[1]]
        cuts = [i for i, n in enumerate(between) if n is ONE]
        for a, b in pairwise(cuts):
            numbers = self.times(numbers, self._trace(word[a:b]))
        if len(cuts) > 1:
            word = (*word[: cuts[0]], *word[cuts[-1] :])
        if not word:
            return self._rewritten(numbers)
        found: Poly = {}
        around = _slots_in(((), (), word)) if any(m[0] for m in numbers) else set[Term]()
        for m, c in numbers.items():
            slots, parts, _ = self._apart(m, around)
            self._into(found, self._sum(slots, {((), parts, word): 1}), c)
        return self._rewritten(found)

    def _trace(self, word: Word) -> Poly:
        """Return the trace of a word of one letter or more that is cut already, as an atom."""
        narrow = [i for i, letter in enumerate(word) if sizes(letter)[0] is ONE]
        word = word[narrow[0] :] + word[: narrow[0]] if narrow else word
        if len(word) == 2 and word[0][0].op == word[1][0].op == "unit" and word[0][1] and not word[1][1]:
            return self.poly(make("delta", None, word[0][0].args[0], word[1][0].args[0]))  # e_iᵀ e_j = [i = j]
        best = min(self._readings(word), key=_word_key)
        return {((), ((make("tr", None, _dot([matrix(x) for x in best])), 1),), ()): 1}

    def _canonical(self, slots: tuple[Term, ...], factors: Factors, word: Word) -> Poly:
        """Return the monomial with its slots numbered in the one way that does not depend on how they were."""
        if not slots:
            return {((), factors, word): 1}
        for atom, _ in factors:
            if atom.op == "delta" and not set(slots).isdisjoint(atom.args):  # Σ_i [i = j] t_i = t_j
                i, j = next(
                    ((i, j) for i, j in (atom.args, atom.args[::-1]) if i in slots and i not in j.free), (None, None)
                )
                if i is None or j is None:
                    continue
                rest = tuple(f for f in factors if f[0] is not atom)
                return self._sum([s for s in slots if s is not i], self._renamed((rest, word), {i: j}))
        present = _slots_in(((), factors, word))
        empty = [s for s in slots if s not in present]  # Σ_{i<n} t = n·t
        if empty:
            sizes: Poly = {UNIT: 1}
            for s in empty:
                sizes = self.times(sizes, self.poly(make("size", None, s.args[0].args[0])))
            kept = tuple(s for s in slots if s in present)
            return self._sum(kept, self.times(sizes, {((), factors, word): 1}))
        if len(slots) > MAX_SLOTS:
            raise Rejected("a term sums over too many indices")
        taken = present - set(slots)
        return min(
            (self._numbered(order, taken, factors, word) for order in self._orders(slots, factors, word)),
            key=lambda p: _key(next(iter(p))),
        )

    def _numbered(self, order: Sequence[Term], taken: set[Term], factors: Factors, word: Word) -> Poly:
        names = _fresh(order, taken)
        if list(order) != names:
            factors, word = self._moved((factors, word), dict(zip(order, names, strict=True)))
        return {(tuple(names), factors, word): 1}

    def _orders(self, slots: tuple[Term, ...], factors: Factors, word: Word) -> Iterator[Sequence[Term]]:
        """Yield the orders of the slots that what each occurs in leaves open."""
        if len(slots) == 1:
            yield slots
            return
        marks: dict[tuple[object, ...], list[Term]] = {}
        for s in slots:
            values = {x: make("slot", 10**6 + (x is s), x.args[0]) for x in slots}
            mark = [(self.normal(_swap(a, values)).key, p) for a, p in factors if s in a.free]
            place = [(i, self.normal(_swap(x, values)).key) for i, (x, _) in enumerate(word) if s in x.free]
            marks.setdefault((s.args[0].key, tuple(sorted(mark)), tuple(place)), []).append(s)
        groups = [marks[k] for k in sorted(marks)]
        orders: list[list[Term]] = [[]]
        for group in groups:
            orders = [[*o, *p] for o in orders for p in permutations(group)]
        yield from orders

    # -- terms to polynomials and back --------------------------------------------------------------------------------

    def poly(self, t: Term) -> Poly:
        """Return the normal form of a real number or matrix."""
        found = self._memo.get(t)
        if found is None:
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise Rejected("a normal form takes too many steps")
            read = getattr(self, f"_of_{t.op}", None)
            found = read(t) if read else self._atom(t)
            self._memo[t] = found
        return found

    def _single(self, atom: Term, power: Number = 1) -> Poly:
        return self._rewritten({((), ((atom, power),), ()): 1})

    def _atom(self, t: Term) -> Poly:
        """Return what has no structure here, its parts in normal form."""
        whole = self._inside(t) if t.op in ("ap", "c", "minv", "lse", "smax") else t
        if t.sort is REAL:
            return self._single(whole)
        shape(t)
        return self._tidy((), ((whole, False),))

    def _inside(self, t: Term) -> Term:
        return make(t.op, t.val, *map(self._part, t.args))

    def _part(self, a: Term) -> Term:
        if a.sort is None or a.op in ("var", "bound", "slot"):
            return a
        return self.normal(a) if a.sort.op in ("Real", "Mat") else self._inside(a) if a.sort.op == "Fun" else a

    def _of_num(self, t: Term) -> Poly:
        q = t.val
        if not isinstance(q, Fraction) or not q:
            return {}
        return {UNIT: q.numerator if q.denominator == 1 else q}

    def _of_size(self, t: Term) -> Poly:
        n = t.args[0]
        if n.op == "lit":
            return {UNIT: n.val} if isinstance(n.val, int) and n.val else {}
        if n.op != "plus":
            return self._single(t)
        found: Poly = {}
        for a in n.args:
            self._into(found, self.poly(make("size", None, a)))
        return found

    def _of_add(self, t: Term) -> Poly:
        found: Poly = {}
        for a in t.args:
            self._into(found, self.poly(a))
        return found

    def _of_mul(self, t: Term) -> Poly:
        first, *rest = t.args
        found = self.poly(first)
        for a in rest:
            found = self.times(found, self.poly(a))
        return found

    _of_dot = _of_scale = _of_mul

    def _of_zero(self, _: Term) -> Poly:
        return {}

    def _of_id(self, _: Term) -> Poly:
        return {UNIT: 1}

    def _of_T(self, t: Term) -> Poly:
        found: Poly = {}
        for (slots, factors, word), c in self.poly(t.args[0]).items():
            self._into(found, self._sum(slots, self._tidy(factors, self._transposed(word))), c)
        return found

    def _of_tr(self, t: Term) -> Poly:
        found: Poly = {}
        for (slots, factors, word), c in self.poly(t.args[0]).items():
            traced = self._trace(word) if word else self.poly(make("size", None, shape(t.args[0])[0]))
            self._into(found, self._sum(slots, self.times({((), factors, ()): 1}, traced)), c)
        return found

    def _of_delta(self, t: Term) -> Poly:
        i, j = sorted(t.args, key=lambda x: x.key)
        if i is j:
            return {UNIT: 1}
        return {} if i.op == j.op == "nth" else self._single(make("delta", None, i, j))

    def _of_sum(self, t: Term) -> Poly:
        n, body = t.args
        found: Poly = {}
        if n.loose:
            raise Rejected("the size of a sum depends on what is bound outside")
        if n.op == "lit":
            for i in range(n.val):  # type: ignore[call-overload]
                self._into(found, self.poly(instantiate(body, make("nth", i, n))))
            return found
        for m, c in self.poly(body).items():
            (new,) = _fresh([make("slot", 0, index(n))], _slots_in(m))
            moved = self._mapped(m[1:], lambda x, new=new: instantiate(x, new))  # type: ignore[misc]
            outer = [make("slot", s.val, lower(s.args[0])) for s in m[0]]
            self._into(found, self._sum((*outer, new), moved), c)
        return found

    def _of_exp(self, t: Term) -> Poly:
        parts = []
        for m, c in self.poly(t.args[0]).items():
            parts.append((make("exp", None, self.term({m: 1}, REAL)), c))
        return self._rewritten({((), _collected(parts), ()): 1})

    def _of_log(self, t: Term) -> Poly:
        p = self.poly(t.args[0])
        if len(p) == 1:
            (((slots, factors, _), c),) = p.items()
            if not slots and c == 1 and all(a.op == "exp" for a, _ in factors):  # log exp a = a, log 1 = 0
                found: Poly = {}
                for a, power in factors:
                    self._into(found, self.poly(a.args[0]), power)
                return found
        return self._single(make("log", None, self.term(p, REAL)))

    def _of_inv(self, t: Term) -> Poly:
        """0⁻¹ = 0, so (ab)⁻¹ = a⁻¹b⁻¹ and (a⁻¹)⁻¹ = a whatever a and b are."""
        p = self.poly(t.args[0])
        if not p:
            return {}
        first = min(p, key=_key)
        if len(p) > 1:
            rest = {m: _over(c, p[first]) for m, c in p.items()}
            return self.add({}, self._single(make("inv", None, self.term(rest, REAL))), _over(1, p[first]))
        slots, factors, _ = first
        own = [f for f in factors if not set(slots).isdisjoint(f[0].free)]
        parts = [self._inverted(*f) for f in factors if f not in own]
        if slots:
            parts.append((make("inv", None, self.term({(slots, tuple(own), ()): 1}, REAL)), 1))
        return self.add({}, self._rewritten({((), _collected(parts), ()): 1}), _over(1, p[first]))

    @staticmethod
    def _inverted(atom: Term, power: Number) -> tuple[Term, Number]:
        if atom.op == "exp":
            return atom, -power
        return (
            atom.args[0]
            if atom.op == "inv" and atom.args[0].op not in ("add", "mul", "sum")
            else make("inv", None, atom)
        ), power

    def _of_mean(self, t: Term) -> Poly:
        """E is linear over tame terms; what is not random leaves it; E 1 = 1; moments of a covariance are computed."""
        S, p = self.normal(t.args[0]), self.poly(t.args[1])
        found: Poly = {}
        for (slots, factors, _), c in p.items():
            random = [f for f in factors if holds_variable(f[0], XI)]
            if (len(p) > 1 or slots) and not all(self._tame(f) for f in random):
                return self._single(make("mean", None, S, self.term(p, REAL)))
            outer = [make("slot", s.val, lower(s.args[0])) for s in slots]
            fixed = tuple(f for f in factors if not holds_variable(f[0], XI))
            value = self.times(self._mapped((fixed, ()), lower), self._expectation(S, random))
            self._into(found, self._sum(outer, value), c)
        return found

    def _tame(self, factor: tuple[Term, Number]) -> bool:
        atom, power = factor
        if power > 0 and power.denominator == 1:
            return is_tame(atom, XI, self)
        return atom.op == "exp" and degree(atom.args[0], XI) in (0, 1)

    def _expectation(self, S: Term, random: list[tuple[Term, Number]]) -> Poly:
        if not random:
            return {UNIT: 1}
        xi = make("bound", 0, lift(make("Mat", None, shape(S)[0], ONE), 1))
        words = [w for a, e in random for w in self._polynomial(a, e, xi)]
        if all(words) and self._is_definite(S):
            return self._moment([w for w in words if w], lift(S, 1), xi)
        body = self.term({((), _collected(random), ()): 1}, REAL)
        return self._single(make("mean", None, S, body))

    def _polynomial(self, atom: Term, power: Number, xi: Term) -> list[Word | None]:
        """Return the words of a power of an atom that is a word in the random column, or [None]."""
        if atom.op != "tr" or power.denominator != 1 or not 0 < power <= MAX_DEGREE:
            return [None]
        word = letters(atom.args[0])
        return [word if all(x is xi or not holds_variable(x, XI) for x, _ in word) else None] * int(power)

    def _moment(self, words: list[Word], S: Term, xi: Term) -> Poly:
        """E ξ_a f(ξ) = Σ_b S_ab E ∂_b f(ξ): the first column of the first word meets each of the others in turn."""
        plain = [w for w in words if all(x is not xi for x, _ in w)]
        words = [w for w in words if w not in plain]
        found: Poly = {UNIT: 1}
        for w in plain:
            found = self.times(found, self._lowered(w))
        if not words:
            return found
        if sum(x is xi for w in words for x, _ in w) > MAX_DEGREE:
            raise Rejected("a moment is of too high an order")
        head, *others = words
        head = head if head[0][0] is xi else turned(head)  # ξᵀ u
        total: Poly = {}
        tail = head[1:]
        if tail and tail[-1][0] is xi:  # ξᵀ B ξ: the column meets itself
            self._into(total, self._moment([(*tail[:-1], (S, False)), *others], S, xi))
        for i, w in enumerate(others):
            for word in [w] * (w[0][0] is xi) + [turned(w)] * (
                len(w) > 1 and w[-1][0] is xi
            ):  # ξᵀ u and ξᵀ v meet in uᵀ S v
                met = (*turned(tail), (S, False), *word[1:])
                self._into(total, self._moment([met, *others[:i], *others[i + 1 :]], S, xi))
        return self.times(found, total)

    def _lowered(self, word: Word) -> Poly:
        return self.poly(lower(make("tr", None, _dot([matrix(x) for x in word])))) if word else {UNIT: 1}

    def is_positive(self, size: Term, weights: Term) -> bool:
        """Return whether a theorem says that weights, the body of a family over an index below a size, are positive."""
        found = self.normal(weights)
        for variables, n, pattern in self._positive:
            bound = next(match(pattern, found, 1, Shape(variables), {}), None)
            bound = None if bound is None else next(match(n, size, 0, Shape(variables), bound), None)
            if bound is not None and len(bound) == variables:
                return True
        return False

    def is_convex(self, function: Term) -> bool:
        """Return whether a theorem says that a function of a column is convex and of polynomial growth."""
        return any(_fits(pattern, function, variables) for variables, pattern in self._convex)

    def moderate(self, t: Term) -> Iterator[list[Term]]:
        """Yield x and what else is in f, for each function f that a theorem says is moderate with f(x) = t."""
        for variables, pattern in self._moderate:
            bound = matches(pattern, self.normal(t), variables) if t.sort is REAL else None
            if bound is not None and len(bound) == variables:
                yield [bound[i] for i in range(variables)]

    @property
    def is_continuous(self) -> bool:
        """Whether everything that is tame here is continuous: nothing is said of moderate functions."""
        return not self._moderate

    def _is_definite(self, S: Term) -> bool:
        return any(_fits(pattern, S, variables) for variables, pattern in self._definite)

    def term(self, p: Poly, sort: Term) -> Term:
        """Return a polynomial of this sort as a term."""
        parts = [self._monomial_term(m, p[m], sort) for m in sorted(p, key=_key)]
        if not parts:
            return number(0) if sort is REAL else make("zero", None, *sort.args)
        return parts[0] if len(parts) == 1 else make("add", None, *parts)

    def _monomial_term(self, m: Monomial, c: Number, sort: Term) -> Term:
        slots, factors, word = m
        parts = [] if c == 1 else [number(c)]
        for atom, power in factors:
            if atom.op == "exp":
                parts.append(
                    atom
                    if power == 1
                    else make("exp", None, self.term(self.add({}, self.poly(atom.args[0]), power), REAL))
                )
            else:
                parts += [atom] * int(power)
        whole = number(1) if not parts else parts[0] if len(parts) == 1 else make("mul", None, *parts)
        if sort is not REAL:
            X = _dot([matrix(x) for x in word]) if word else make("id", None, sort.args[0])
            whole = X if not parts else make("scale", None, whole, X)
        for s in reversed(slots):
            whole = make("sum", None, s.args[0].args[0], close(whole, s))
        return whole

    # -- rewriting ----------------------------------------------------------------------------------------------------

    def _add_pattern(self, equation: Term) -> None:
        variables, inner = strip(equation)
        if inner.op != "eq" or inner.args[0].sort is None or inner.args[0].sort.op == "Index":
            raise Rejected("only an equation of real numbers or matrices can be rewritten with")
        left, right = inner.args
        for a, b in ((left, right), (right, left)):
            if b.op == "T" and b.args[0] is a and a.op in ("var", "bound", "ap", "c", "minv"):  # X = Xᵀ
                self._symmetric.append((variables, self._inside(a) if a.op in ("ap", "c", "minv") else a))
                return
        if left.sort is not REAL and shape(left)[0] is shape(left)[1] is ONE:
            left, right = make("tr", None, left), make("tr", None, right)
        p = self.poly(left)
        if len(p) != 1:
            raise Rejected("the left side of an equation to rewrite with is not one monomial")
        ((monomial, scale),) = p.items()
        if (
            bool(monomial[2]) != (left.sort is not REAL)
            or (monomial[2] and (monomial[0] or monomial[1]))
            or not (monomial[1] or monomial[2])
        ):
            raise Rejected("the left side of an equation to rewrite with is neither a product of numbers nor a word")
        form = Shape(variables, monomial[0], self._upright)
        self._patterns.append(Pattern(monomial, right, variables, scale, _names_in(monomial), form))
        self._forget()

    def _rewritten(self, p: Poly) -> Poly:
        if not self._patterns:
            return p
        found: Poly = {}
        for m, c in p.items():
            changed = self._changed.get(m)
            if changed is None:
                names = _names_in(m)
                uses = (self._apply(pattern, m) for pattern in self._patterns if pattern.names <= names)
                changed = self._changed[m] = next((r for r in uses if r is not None), {m: 1})
            self._into(found, changed, c)
        return found

    def _apply(self, pattern: Pattern, m: Monomial) -> Poly | None:
        """Return what the monomial becomes by one use of the equation, normalised; None when it has no use."""
        slots, factors, word = m
        wanted = pattern.monomial
        if not wanted[2]:
            for bound, rest in self._among(wanted[1], factors, pattern.form, {}):
                used = {bound[s] for s in wanted[0]}
                if any(not used.isdisjoint(t.free) for name, t in bound.items() if name not in wanted[0]):
                    continue
                if used <= set(slots) and len(used) == len(wanted[0]) and used.isdisjoint(_slots_in(((), rest, word))):
                    kept = tuple(s for s in slots if s not in used)
                    return self._replaced((kept, rest, word), self._right(pattern, bound))
            return None
        ways = ((wanted[2], False), (self._transposed(wanted[2]), True)) if word else ()  # l = r, or lᵀ = rᵀ
        for way, back in ways:
            for i in range(len(word) - len(way) + 1):
                found = next(match_words(way, word[i : i + len(way)], 0, pattern.form, {}), None)
                if found is not None:
                    middle = self.times({((), (), word[:i]): 1}, self._right(pattern, found, back))
                    return self._replaced((slots, factors, ()), self.times(middle, {((), (), word[i + len(way) :]): 1}))
        for k, (atom, power) in enumerate(factors):
            if atom.op == "tr" and power >= 1 and pattern.names <= atom.free:
                changed = self._in_trace(pattern, letters(atom.args[0]))
                if changed is not None:
                    left = [f for i, f in enumerate(factors) if i != k] + [(atom, power - 1)]
                    return self._replaced((slots, _collected(left), word), changed)
        return None

    def _in_trace(self, pattern: Pattern, word: Word) -> Poly | None:
        n = len(pattern.monomial[2])
        for reading in self._readings(word):
            for i in range(len(word) - n + 1):
                bound = next(match_words(pattern.monomial[2], reading[i : i + n], 0, pattern.form, {}), None)
                if bound is not None:
                    middle = make("scale", None, number(_over(1, pattern.scale)), _placed(pattern, bound))
                    parts = [*map(matrix, reading[:i]), middle, *map(matrix, reading[i + n :])]
                    return self._counted(make("tr", None, _dot(parts)))
        return None

    def _among(
        self, wanted: Factors, factors: Factors, form: Shape, bound: Binding
    ) -> Iterator[tuple[Binding, Factors]]:
        """Yield the ways to find the wanted factors among others, and what is left of these."""
        if not wanted:
            if len(bound) == form.variables + len(form.slots):
                yield bound, factors
            return
        (p, power), *more = wanted
        for i, (t, e) in enumerate(factors):
            if (e - power) * power >= 0:
                for found in match(p, t, 0, form, bound):
                    left = (*factors[:i], *(((t, e - power),) if e != power else ()), *factors[i + 1 :])
                    yield from self._among(tuple(more), left, form, found)

    def _right(self, pattern: Pattern, bound: Binding, back: bool = False) -> Poly:
        right = _placed(pattern, bound)
        return self.add({}, self._counted(make("T", None, right) if back else right), _over(1, pattern.scale))

    def _counted(self, t: Term) -> Poly:
        self._count += 1
        if self._count > MAX_REWRITES:
            raise Rejected("rewriting does not come to an end")
        return self.poly(t)

    def _replaced(self, rest: Monomial, changed: Poly) -> Poly:
        return self._sum(rest[0], self.times({((), rest[1], rest[2]): 1}, changed))


@lru_cache(maxsize=256)
def remembered(equations: tuple[Term, ...], positive: tuple[Term, ...], definite: tuple[Term, ...]) -> Ring:
    return Ring(equations, positive, definite)


def ring_for(equations: Sequence[Term], positive: Sequence[Term], definite: Sequence[Term]) -> Ring:
    """Return the normal forms for these theorems; what is known from before is remembered, and counts begin anew."""
    ring = remembered(tuple(equations), tuple(positive), tuple(definite))
    ring.restart()
    return ring


def _fits(pattern: Term, t: Term, variables: int) -> bool:
    """Return whether t is the pattern at values of all its variables."""
    bound = matches(pattern, t, variables)
    return bound is not None and len(bound) == variables


def applied(f: Term) -> Term:
    """Return f(x), under a binder for x."""
    return f.args[1] if f.op == "lam" else make("ap", None, lift(f, 1), make("bound", 0, lift(f.sort.args[0], 1)))  # type: ignore[union-attr]


def semidefinite(X: Term) -> Term:
    """Return X ⪰ 0: X = Xᵀ, and 0 ≤ tr(vᵀXv) for every column v."""
    column = make("Mat", None, shape(X)[0], ONE)
    v, inner = make("bound", 0, lift(column, 1)), lift(X, 1)
    form = make("tr", None, make("dot", None, make("T", None, v), inner, v))
    return make(
        "and",
        None,
        make("eq", None, X, make("T", None, X)),
        make("all", None, column, make("le", None, number(0), form)),
    )


def convex(f: Term) -> Term:
    """Return: f, a function of columns, has a tangent from below at each of them, and grows at most as a polynomial.

    (∀a ∃g ∀b. f(a) + tr(gᵀ(b − a)) ≤ f(b)) ∧ ∃c ∀z. f(z) ≤ exp(c(1 + log(1 + tr(zᵀz)))).
    """
    if f.sort is None or f.sort.op != "Fun" or f.sort.args[1] is not REAL or f.sort.args[0].args[1:] != (ONE,):
        raise Rejected("a function of columns whose values are numbers is expected here")
    column, one = f.sort.args[0], number(1)
    a, g, b = (make("bound", i, lift(column, 3)) for i in (2, 1, 0))
    step = make("add", None, b, make("scale", None, number(-1), a))
    slope = make("tr", None, make("dot", None, make("T", None, g), step))
    at_a, at_b = (make("ap", None, lift(f, 3), x) for x in (a, b))
    tangent = make("all", None, lift(column, 2), make("le", None, make("add", None, at_a, slope), at_b))
    c, z = make("bound", 1, REAL), make("bound", 0, lift(column, 2))
    square = make("tr", None, make("dot", None, make("T", None, z), z))
    power = make("mul", None, c, make("add", None, one, make("log", None, make("add", None, one, square))))
    below = make("le", None, make("ap", None, lift(f, 2), z), make("exp", None, power))
    return make(
        "and",
        None,
        make("all", None, column, make("ex", None, lift(column, 1), tangent)),
        make("ex", None, REAL, make("all", None, lift(column, 1), below)),
    )


def _convex_function(formula: Term) -> Term | None:
    """Return f where a formula is `convex(f)`, else None."""
    t = formula
    for op, i in (("and", 1), ("ex", 1), ("all", 1), ("le", 0), ("ap", 0)):
        if t.op != op or len(t.args) <= i:
            return None
        t = t.args[i]
    function = lower(lower(t))
    return function if formula is convex(function) else None


def _placed(pattern: Pattern, bound: Binding) -> Term:
    """Return the right side of an equation for these values of its variables."""
    right = _swap(pattern.right, {s: bound[s] for s in pattern.monomial[0]}) if pattern.monomial[0] else pattern.right
    for i in range(pattern.variables):
        if i not in bound:
            raise Rejected("the left side of an equation to rewrite with does not hold all its variables")
        right = instantiate(right, lift(bound[i], pattern.variables - 1 - i))
    return right
