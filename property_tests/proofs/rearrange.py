"""A term written otherwise: parts in another order, traces turned, sums exchanged, products multiplied out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from thmverify.kernel.proofs.terms import BINDERS, ONE, REAL, Term, bound_sort, close, index, instantiate, make, shape


class Rearranger:
    """Rewrites terms at random by identities that hold whatever the values are."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.counter = 0

    def __call__(self, t: Term) -> Term:
        if t.sort is None or t.op in ("var", "bound", "nth", "lit"):
            return t
        args = list(t.args)
        under = BINDERS.get(t.op, 0)
        for i, a in enumerate(args):
            if 1 <= i <= under:
                x = self.fresh(bound_sort(t.op, args[0]))
                args[i] = close(self(instantiate(a, x)), x)
            elif i or not under:
                args[i] = self(a)
        t = make(t.op, t.val, *args)
        rules = self.rules(t)
        return rules[self.rng.integers(len(rules))]() if rules and self.rng.random() < 0.7 else t

    def fresh(self, sort: Term) -> Term:
        self.counter += 1
        return make("var", f"r{self.counter}", sort)

    def shuffled(self, t: Term) -> Term:
        return make(t.op, None, *(t.args[i] for i in self.rng.permutation(len(t.args))))

    def rules(self, t: Term) -> list[Callable[[], Term]]:
        a = t.args
        found: list[Callable[[], Term]] = []
        if t.op in ("add", "mul"):
            found += [lambda: self.shuffled(t)] * 2
        if t.op == "mul" and any(x.op == "add" for x in a):
            found.append(lambda: self.multiplied_out(t))
        if t.op == "mul" and any(x.op == "sum" for x in a):
            found.append(lambda: self.into_sum(t))
        if t.op == "tr":
            found.append(lambda: make("tr", None, make("T", None, a[0])))
            if a[0].op == "dot" and len(a[0].args) > 1:
                parts = a[0].args
                found += [lambda: make("tr", None, make("dot", None, *parts[1:], parts[0]))] * 2
            if a[0].op == "add":
                found.append(lambda: make("add", None, *(make("tr", None, x) for x in a[0].args)))
            if a[0].op == "scale":
                found.append(lambda: make("mul", None, a[0].args[0], make("tr", None, a[0].args[1])))
            if a[0].op == "sum":
                found.append(lambda: self.inside(a[0], "tr"))
        if t.op == "T" and a[0].op == "dot":
            found.append(lambda: make("dot", None, *(make("T", None, x) for x in reversed(a[0].args))))
        if t.op == "T" and a[0].op in ("add", "sum"):
            found.append(
                lambda: (
                    self.inside(a[0], "T")
                    if a[0].op == "sum"
                    else make("add", None, *(make("T", None, x) for x in a[0].args))
                )
            )
        if t.op == "dot":
            found += [
                lambda: self.spread(t),
                lambda: make("T", None, make("dot", None, *(make("T", None, x) for x in reversed(a)))),
            ]
        if t.op == "delta":
            found.append(lambda: make("delta", None, a[1], a[0]))
        if t.op == "sum":
            found += [lambda: self.renamed(t), lambda: self.parts_of_sum(t), lambda: self.exchanged(t)]
        if t.op == "exp" and a[0].op == "add":
            found.append(lambda: make("mul", None, *(make("exp", None, x) for x in a[0].args)))
        if t.op == "inv" and a[0].op == "mul" and all(x.op in ("var", "ap", "exp", "num") for x in a[0].args):
            found.append(lambda: make("mul", None, *(make("inv", None, x) for x in a[0].args)))
        if t.op == "scale" and a[1].op == "dot":
            found.append(lambda: make("dot", None, *a[1].args[:-1], make("scale", None, a[0], a[1].args[-1])))
        if t.op == "scale" and a[0].op == "sum":
            found.append(lambda: self.scaled_sum(t))
        if t.sort is REAL and t.op in ("tr", "ap", "exp"):
            found.append(lambda: self.as_matrix(t))
        return found

    def opened(self, t: Term) -> tuple[Term, Term]:
        x = self.fresh(index(t.args[0]))
        return x, instantiate(t.args[1], x)

    def closed(self, n: Term, x: Term, body: Term) -> Term:
        return make("sum", None, n, close(body, x))

    def renamed(self, t: Term) -> Term:
        x, body = self.opened(t)
        return self.closed(t.args[0], x, body)

    def inside(self, t: Term, op: str) -> Term:
        x, body = self.opened(t)
        return self.closed(t.args[0], x, make(op, None, body))

    def exchanged(self, t: Term) -> Term:
        x, body = self.opened(t)
        if body.op != "sum":
            return t
        y, inner = self.opened(body)
        return self.closed(body.args[0], y, self.closed(t.args[0], x, inner))

    def parts_of_sum(self, t: Term) -> Term:
        x, body = self.opened(t)
        return make("add", None, *(self.closed(t.args[0], x, part) for part in body.args)) if body.op == "add" else t

    def multiplied_out(self, t: Term) -> Term:
        i = next(i for i, x in enumerate(t.args) if x.op == "add")
        return make("add", None, *(make("mul", None, *t.args[:i], x, *t.args[i + 1 :]) for x in t.args[i].args))

    def into_sum(self, t: Term) -> Term:
        i = next(i for i, x in enumerate(t.args) if x.op == "sum")
        x, body = self.opened(t.args[i])
        return self.closed(t.args[i].args[0], x, make("mul", None, *t.args[i + 1 :], body, *t.args[:i]))

    def scaled_sum(self, t: Term) -> Term:
        x, body = self.opened(t.args[0])
        return self.closed(t.args[0].args[0], x, make("scale", None, body, t.args[1]))

    def spread(self, t: Term) -> Term:
        """A product with a sum in it multiplied out, with a factor pulled out, or with I in it."""
        for i, x in enumerate(t.args):
            before, after = t.args[:i], t.args[i + 1 :]
            if x.op == "add":
                return make("add", None, *(make("dot", None, *before, y, *after) for y in x.args))
            if x.op == "scale":
                return make("scale", None, x.args[0], make("dot", None, *before, x.args[1], *after))
            if x.op == "sum":
                y, body = self.opened(x)
                return self.closed(x.args[0], y, make("dot", None, *before, body, *after))
        return make("dot", None, t.args[0], make("id", None, shape(t.args[0])[1]), *t.args[1:])

    def as_matrix(self, t: Term) -> Term:
        return make("tr", None, make("scale", None, t, make("id", None, ONE)))
