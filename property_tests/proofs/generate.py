"""Random terms: numbers and matrices with every operation that normal forms read, nested and with shared variables."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from property_tests.proofs.evaluate import Evaluator, Undecided, anything
from thmverify.kernel.proofs.terms import ONE, REAL, SIZE, Term, bound_sort, close, fun, index, make, mat, replace

N, K, D = (make("var", name, SIZE) for name in "nKd")
DEFINITIONS = {
    "ones": ((N,), make("sum", None, N, make("unit", None, make("bound", 0, index(N))))),
    "twice": ((x := make("var", "x", REAL),), make("add", None, x, x)),
}


def num(q: int | Fraction) -> Term:
    return make("num", Fraction(q))


class Terms:
    """A source of random terms over sizes n, K, d, 1 and 2, and of values for their free variables."""

    def __init__(self, seed: int, means: bool = True, sizes: tuple[Term, ...] = (N, K, D, ONE, make("lit", 2))) -> None:
        self.rng = np.random.default_rng(seed)
        self.means, self.sizes = means, sizes
        self.indices: list[Term] = []
        self.columns: list[Term] = []
        self.free: dict[Term, None] = dict.fromkeys(s for s in sizes if s.op == "var")
        self.counter = 0
        self.planted: list[tuple[tuple[Term, Term] | None, Callable[[], Term]]] = []  # shape, a term of this shape

    def pick(self, options: list[Callable[[], Term]]) -> Term:
        return options[self.rng.integers(len(options))]()

    def one_of(self, options: list[Term]) -> Term:
        return options[self.rng.integers(len(options))]

    def variable(self, name: str, sort: Term) -> Term:
        found = make("var", name, sort)
        self.free[found] = None
        return found

    def some_size(self) -> Term:
        return self.one_of(list(self.sizes))

    def bind(self, op: str, first: Term, scope: list[Term], *bodies: Callable[[], Term]) -> list[Term]:
        """Return bodies closed over a new variable, which is in scope in them."""
        self.counter += 1
        x = make("var", f"b{self.counter}", bound_sort(op, first))
        scope.append(x)
        found = [close(body(), x) for body in bodies]
        scope.pop()
        return found

    # -- indices ------------------------------------------------------------------------------------------------------

    def index(self, n: Term) -> Term | None:
        """Return an index below n, where one is in scope."""
        known = [i for i in self.indices if i.args[0].args[0] is n]
        if n.op == "lit":
            known += [make("nth", i, n) for i in range(n.val)]
        if not known:
            return None
        i = self.one_of(known)
        return make("ap", None, self.variable("f", fun(index(n), index(n))), i) if self.rng.random() < 0.1 else i

    # -- numbers ------------------------------------------------------------------------------------------------------

    def real(self, depth: int) -> Term:
        leaves: list[Callable[[], Term]] = [
            lambda: num(Fraction(int(self.rng.integers(-3, 4)), int(self.rng.integers(1, 3)))),
            lambda: self.variable(str(self.rng.choice(["a", "b"])), REAL),
            self.family, self.family, self.family,
            lambda: make("size", None, self.some_size()),
        ]  # fmt: skip
        if depth <= 0:
            return self.pick(leaves)
        d = depth - 1
        options: list[Callable[[], Term]] = [
            self.family,
            lambda: make("add", None, self.real(d), self.real(d)),
            lambda: make("add", None, self.real(d), make("mul", None, num(-1), self.real(d))),
            lambda: make("mul", None, self.real(d), self.real(d)),
            lambda: make("mul", None, self.real(d), self.real(d), self.real(d - 1)),
            lambda: self.total(self.some_size(), lambda: self.real(d)),
            lambda: self.total(self.some_size(), lambda: self.real(d)),
            lambda: make("inv", None, self.real(d)),
            lambda: make("exp", None, self.real(d)),
            lambda: make("log", None, self.real(d)),
            lambda: self.trace(d), lambda: self.trace(d), lambda: self.trace(d),
            self.kronecker, self.kronecker,
            lambda: make("ap", None, self.variable("g", fun(REAL, REAL)), self.real(d)),
            lambda: make("c", "twice", REAL, self.real(d)),
            lambda: self.softmax(d), lambda: self.functional(d),
        ]  # fmt: skip
        if self.means:
            options += [lambda: self.mean(d)] * 3
        planted = [make_it for shape, make_it in self.planted if shape is None]
        return self.pick(planted if planted and self.rng.random() < 0.3 else options)

    def family(self) -> Term:
        i = self.index(self.some_size())
        if i is None:
            return self.variable("a", REAL)
        return make("ap", None, self.variable(str(self.rng.choice(["u", "w"])), fun(i.sort, REAL)), i)

    def kronecker(self) -> Term:
        n = self.some_size()
        i, j = self.index(n), self.index(n)
        return num(1) if i is None else make("delta", None, i, j)

    def total(self, n: Term, body: Callable[[], Term]) -> Term:
        return make("sum", None, n, *self.bind("sum", n, self.indices, body))

    def softmax(self, d: int) -> Term:
        n = self.some_size()
        i = self.index(n)
        bodies = self.bind("lse", n, self.indices, lambda: make("exp", None, self.family()), lambda: self.real(d))
        return make("lse", None, n, *bodies) if i is None else make("smax", None, n, *bodies, i)

    def functional(self, d: int) -> Term:
        """A number that depends on a function of an index, or of a number."""
        n = self.some_size()
        family = fun(index(n), REAL)
        return make(
            "ap", None, self.variable("F", fun(family, REAL)),
            make("lam", None, index(n), *self.bind("sum", n, self.indices, lambda: self.real(d))),
        )  # fmt: skip

    def trace(self, d: int) -> Term:
        p = self.some_size()
        return make("tr", None, self.matrix(p, p, d))

    def covariance(self) -> Term:
        p = self.one_of([s for s in self.sizes if s is not K])
        X = self.matrix(p, p, 0)
        kind = self.rng.integers(4)
        if kind == 0:
            return X
        if kind == 1:
            return make("dot", None, X, make("T", None, X))
        S = self.variable("S", mat(p, p))
        return S if kind == 2 else make("add", None, S, make("id", None, p))

    def mean(self, d: int) -> Term:
        if len(self.columns) >= 2:
            return self.trace(d)
        S = self.covariance()
        return make("mean", None, S, *self.bind("mean", S, self.columns, lambda: self.real(d)))

    # -- matrices -----------------------------------------------------------------------------------------------------

    def matrix(self, p: Term, q: Term, depth: int) -> Term:
        leaves: list[Callable[[], Term]] = [lambda: self.variable(str(self.rng.choice(["X", "Y"])), mat(p, q))]
        if q is ONE:
            for x in self.columns:
                if x.sort is mat(p, ONE):
                    leaves += [lambda x=x: x] * 3
            i, k = self.index(p), self.index(self.some_size())
            if i is not None:
                leaves.append(lambda: make("unit", None, i))
            if k is not None:
                leaves += [lambda: make("ap", None, self.variable("mu", fun(k.sort, mat(p, q))), k)] * 2
            leaves.append(lambda: make("c", "ones", mat(p, ONE), p))
        if p is q:
            leaves += [lambda: make("id", None, p), lambda: self.variable("S", mat(p, p))]
        if depth <= 0:
            if self.rng.random() < 0.1:
                return make("zero", None, p, q)
            return self.pick(leaves)
        d = depth - 1
        middle = self.some_size()
        options: list[Callable[[], Term]] = [
            lambda: self.pick(leaves),
            lambda: make("dot", None, self.matrix(p, middle, d), self.matrix(middle, q, d)),
            lambda: make("dot", None, self.matrix(p, ONE, d), self.matrix(ONE, q, d)),
            lambda: make("dot", None, self.matrix(p, middle, d), self.matrix(middle, ONE, d), self.matrix(ONE, q, d)),
            lambda: make("T", None, self.matrix(q, p, d)), lambda: make("T", None, self.matrix(q, p, d)),
            lambda: make("scale", None, self.real(d), self.matrix(p, q, d)),
            lambda: make("add", None, self.matrix(p, q, d), self.matrix(p, q, d)),
            lambda: self.total(self.some_size(), lambda: self.matrix(p, q, d)),
        ]  # fmt: skip
        if p is q:
            options.append(lambda: make("minv", None, self.matrix(p, p, d)))
        planted = [make_it for shape, make_it in self.planted if shape == (p, q)]
        return self.pick(planted if planted and self.rng.random() < 0.3 else options)

    # -- values -------------------------------------------------------------------------------------------------------

    def values(self, seed: int, largest: int = 3) -> Evaluator:
        """Return an evaluator with random values for every free variable so far: sizes at most 3, S semidefinite."""
        rng = np.random.default_rng(seed)
        found = Evaluator({}, DEFINITIONS)
        for v in self.free:
            if v.sort is SIZE:
                found.values[v] = int(rng.integers(0, largest + 1)) if v is not D else int(rng.integers(0, 3))
        for v in self.free:
            if v.sort is not SIZE:
                found.values[v] = anything(v.sort, rng, found)
                if v.val == "S":
                    X = found.values[v]
                    found.values[v] = X @ X.T
        return found


class Equations(Terms):
    """Random terms, and equations that are true at their values: what is left of one is planted in the terms."""

    def __init__(self, seed: int, **options: bool) -> None:
        super().__init__(seed, **options)
        self.found: list[Term] = []
        self.settings: list[Callable[[Evaluator], None]] = []
        for _ in range(int(self.rng.integers(1, 4))):
            self.pick([self.named, self.named, self.family_equation, self.total_equation, self.symmetric])
        self.pick([self.replaced, self.replaced_word, self.replaced_trace, self.replaced_function, lambda: ONE])

    def inside(self, scope: list[Term], make_it: Callable[[], Term]) -> Term:
        """Return a term in which no other variable than these is in scope."""
        kept = self.indices, self.columns
        self.indices, self.columns = scope, []
        found = make_it()
        self.indices, self.columns = kept
        return found

    def quantified(self, equation: Term, *names: Term) -> Term:
        for x in reversed(names):
            equation = make("all", None, x.args[0], close(equation, x))
        self.found.append(equation)
        return equation

    def fresh(self, sort: Term) -> Term:
        self.counter += 1
        return self.variable(f"c{self.counter}", sort)

    def name_for(self, left: Term, *names: Term) -> Term:
        """Add ∀x̄. left = c(x̄) with a new c, defined to be so; plant left at random indices."""
        sort = left.sort
        for x in reversed(names):
            sort = fun(x.args[0], sort)
        c = self.fresh(sort)

        def setting(values: Evaluator) -> None:
            def value(*given: object) -> object:
                if len(given) == len(names):
                    return Evaluator({**values.values, **dict(zip(names, given, strict=True))}, DEFINITIONS)(left)
                return lambda x: value(*given, x)

            values.values[c] = value()

        self.settings.append(setting)
        right = c
        for x in names:
            right = make("ap", None, right, x)
        self.plant(left, *names)
        return self.quantified(make("eq", None, left, right), *names)

    def plant(self, left: Term, *names: Term) -> None:
        def instance() -> Term:
            found = left
            for x in names:
                n = x.args[0]
                value = self.real(0) if n is REAL else self.index(n.args[0])
                if value is None:
                    return self.family() if left.sort is REAL else make("zero", None, *left.sort.args)
                found = replace(found, {x: value})
            return found

        self.planted.append((None if left.sort is REAL else left.sort.args, instance))

    def named(self) -> Term:
        """A product of numbers, or a word, without variables."""
        if self.rng.random() < 0.5:
            p, m, q = self.some_size(), self.some_size(), self.some_size()
            left = make("dot", None, *(self.inside([], lambda s=s: self.matrix(*s, 0)) for s in ((p, m), (m, q))))
        else:
            left = self.inside(
                [], lambda: make("mul", None, self.real(1), self.pick([self.family, lambda: self.trace(1)]))
            )
        return self.name_for(left)

    def family_equation(self) -> Term:
        """∀k, l. a product of what depends on k and l."""
        k, j = (make("var", x, index(self.some_size())) for x in ("k", "l"))
        left = self.inside(
            [k, j],
            lambda: self.pick(
                [
                    lambda: self.real(1),
                    lambda: self.trace(2),
                    lambda: self.matrix(D, ONE, 1),
                    lambda: self.matrix(N, D, 2),
                ]
            ),
        )
        names = [x for x in (k, j) if x in left.free]
        return self.name_for(left, *names)

    def total_equation(self) -> Term:
        """∀k, x. Σ_i of a product."""
        k, x = make("var", "k", index(self.some_size())), make("var", "x", REAL)
        h = self.variable("h", fun(REAL, fun(index(K), REAL)))

        i = make("var", "i", index(K))
        at = make(
            "ap",
            None,
            make("ap", None, h, self.inside([k, i], lambda: self.pick([lambda: x, lambda: self.real(0)]))),
            i,
        )
        more = [lambda: at, lambda: make("mul", None, at, self.real(1)), lambda: self.real(2)]
        body = self.inside([k, i], lambda: self.pick(more))
        left = make("sum", None, K, close(body, i))
        if x in body.free:  # no instance of left: x is not to depend on i
            u = make("ap", None, self.variable("u", fun(index(K), REAL)), i)
            self.planted.append((None, lambda: make("sum", None, K, close(self.at(replace(body, {x: u}), k), i))))
        return self.name_for(left, *(v for v in (k, x) if v in left.free))

    def at(self, t: Term, k: Term) -> Term:
        """Return t with some index in the place of k."""
        i = self.index(k.args[0].args[0])
        return num(1) if k in t.free and i is None else replace(t, {k: i} if i else {})

    def symmetric(self) -> Term:
        p = self.some_size()
        X = self.variable("X", mat(p, p))

        def setting(values: Evaluator) -> None:
            values.values[X] = values.values[X] + values.values[X].T

        self.settings.insert(0, setting)
        return self.quantified(make("eq", None, X, make("T", None, X)))

    def replaced(self) -> Term:
        """b = a term, in which b does not occur."""
        right = self.inside([], lambda: self.real(3))
        b = self.fresh(REAL)
        self.settings.append(lambda values: values.values.__setitem__(b, values(right)))
        self.plant(b)
        return self.quantified(make("eq", None, b, right))

    def replaced_function(self) -> Term:
        """∀k. c(k) = a term in k."""
        k, p = make("var", "k", index(self.some_size())), self.some_size()
        right = self.inside([k], lambda: self.pick([lambda: self.real(2), lambda: self.matrix(p, ONE, 2)]))
        c = self.fresh(fun(k.args[0], right.sort))
        left = make("ap", None, c, k)

        def setting(values: Evaluator) -> None:
            values.values[c] = lambda i: Evaluator({**values.values, k: i}, DEFINITIONS)(right)

        self.settings.append(setting)
        self.plant(left, k)
        return self.quantified(make("eq", None, left, right), k)

    def replaced_word(self) -> Term:
        """A·B = a term, for an invertible A."""
        p, q = self.some_size(), self.some_size()
        right = self.inside([], lambda: self.matrix(p, q, 3))
        A, B = self.fresh(mat(p, p)), self.fresh(mat(p, q))

        def setting(values: Evaluator) -> None:
            values.values[A] = values.values[A] + 3 * np.eye(len(values.values[A]))
            values.values[B] = np.linalg.solve(values.values[A], values(right))

        self.settings.append(setting)
        left = make("dot", None, A, B)
        self.plant(left)
        return self.quantified(make("eq", None, left, right))

    def replaced_trace(self) -> Term:
        """Aᵀ B = a term, for columns A and B."""
        p = self.some_size()
        right = self.inside([], lambda: self.pick([lambda: self.total(K, lambda: self.real(1)), lambda: self.real(2)]))
        A, B = self.fresh(mat(p, ONE)), self.fresh(mat(p, ONE))

        def setting(values: Evaluator) -> None:
            if not len(values.values[A]):
                raise Undecided
            values.values[A] = np.abs(values.values[A]) + 1
            values.values[B] *= values(right) / float((values.values[A].T @ values.values[B]).item())

        self.settings.append(setting)
        left = make("tr", None, make("dot", None, make("T", None, A), B))
        self.plant(left)
        self.planted += [((p, ONE), lambda: A), ((p, ONE), lambda: B)]
        for q in self.sizes:  # (Σ_k C_k Aᵀ) B

            def product(q: Term = q) -> Term:
                def outer() -> Term:
                    return make("dot", None, self.matrix(q, ONE, 1), make("T", None, A))

                return make("dot", None, self.total(self.some_size(), outer), B)

            self.planted.append(((q, ONE), product))
        return self.quantified(make("eq", None, left, right))

    def values(self, seed: int, largest: int = 3) -> Evaluator:
        found = super().values(seed, largest)
        for setting in self.settings:
            setting(found)
        return found
