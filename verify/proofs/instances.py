"""Random instances: values of the free variables of a sequent that satisfy its hypotheses.

Hypotheses are met one after the other. What a proof chooses is computed: a value that the proof exhibits, a classical
factorisation, or a solution of equations. Other hypotheses are met by least-squares corrections of the variables that
they speak of, and what is then not satisfied is thrown away: in an instance every hypothesis evaluates to true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from thmverify.kernel.proofs.rules import RULES, Definition, top_part
from thmverify.kernel.proofs.terms import Term, lower, make
from thmverify.kernel.strict import Rejected
from thmverify.proofs.expressions import Expr
from thmverify.proofs.lemmas.algebra import basis_exists, factor_exists, square_root_exists
from thmverify.proofs.numeric import (
    NO,
    TRUE,
    UNKNOWN,
    WORK,
    YES,
    Array,
    Evaluator,
    Num,
    Smooth,
    Table,
    Unclear,
    Value,
    draw,
    entries,
    gauss_newton,
    pack,
    symmetric_part,
    unpack_all,
)

COST = 5_000_000  # numbers that corrections for one hypothesis may take
POOL = 16  # instances of one choice of sizes before hypotheses reject some


class Choice(NamedTuple):
    """What a proof chooses: the variable, the formula that says it exists, and a value where the proof exhibits one."""

    name: Term
    existence: Term
    witness: Term | None
    rests_on: frozenset[Term]


@dataclass
class Model:
    """Instances of one choice of sizes: values, how many, and the hypotheses they satisfy."""

    env: dict[Term, Value]
    count: int
    definitions: dict[str, Definition]
    seed: int
    held: tuple[Term, ...] = ()
    chosen: frozenset[Term] = frozenset()
    pending: dict[Term, list[Value]] = field(default_factory=dict)
    given: frozenset[Term] = frozenset()  # variables whose values an example gives

    @cached_property
    def evaluator(self) -> Evaluator:
        """Terms and formulas at these instances."""
        return Evaluator(self.env, self.count, self.definitions, seed=self.seed)

    def ensure(self, names: Iterable[Term]) -> None:
        """Give random values to the variables that have none. Raises Unclear where a sort is empty or is not drawn."""
        missing = [v for v in names if v not in self.env]
        for v in sorted(missing, key=lambda v: (len(v.args[0].free), str(v.val))):
            rng = np.random.default_rng([self.seed, crc32(str(v.val).encode())])
            if v.args[0].op == "Size":
                self.env[v] = int(rng.choice([0, 1, 1, 2, 2, 2, 3]))
            elif v not in self.env:
                self.env[v] = draw(self.evaluator.concrete(v.args[0]), rng, (self.count,))

    def take(self, mask: Array) -> Model:
        """Keep some of the instances."""
        if mask.all():
            return self
        env = {v: _take(x, mask, self.count) for v, x in self.env.items()}
        pending = {t: [_take(x, mask, self.count) for x in xs] for t, xs in self.pending.items()}
        return replace(self, env=env, count=int(mask.sum()), pending=pending)

    @cached_property
    def _heads(self) -> dict[int, Model]:
        return {}

    def head(self, count: int) -> Model:
        """Return the first few instances."""
        if count not in self._heads:
            self._heads[count] = self.take(np.arange(self.count) < count)
        return self._heads[count]

    def holds(self, formula: Term, least: int = TRUE) -> Array:
        """Return for each instance whether a formula holds."""
        try:
            self.ensure(formula.free)
            level = self.evaluator.level(formula)
        except Unclear:
            return np.full(self.count, least <= UNKNOWN)
        return np.broadcast_to(level.reshape(-1) >= least, (self.count,)).copy()


def _take(x: Value, mask: Array, count: int) -> Value:
    if isinstance(x, Num):
        return Num(*(a[..., mask, :, :] if a.shape[-3] == count and count > 1 else a for a in x))
    if isinstance(x, np.ndarray):
        return x[..., mask, :, :] if x.shape[-3] == count and count > 1 else x
    if isinstance(x, Table):
        return Table([_take(v, mask, count) for v in x.values], x.sort)
    if isinstance(x, Smooth):
        normal, top, slope, wave = (_take(v, mask, count) for v in x.parts())
        return Smooth(normal, top, slope, wave, x.convex)
    return x


class Builder:
    """Instances for the sequents of one proof. Models of longer lists of hypotheses extend those of shorter ones."""

    def __init__(
        self, definitions: dict[str, Definition], choices: dict[Term, Choice], order: dict[Term, int], seed: int
    ) -> None:
        """Take definitions, choices by the formula that is chosen, and the order in which formulas are assumed."""
        self.definitions, self.choices, self.order, self.seed = definitions, choices, order, seed
        self.names = {c.name for c in choices.values()}
        self.models: dict[tuple[int, tuple[Term, ...]], Model | None] = {}
        self.spent: dict[Term, float] = {}  # what corrections for a hypothesis have cost
        self.lists: dict[frozenset[Term], tuple[Term, ...]] = {}

    def ordered(self, hypotheses: frozenset[Term]) -> tuple[Term, ...]:
        """Return hypotheses with those that their choices rest on, those that speak of no choice first."""
        if hypotheses not in self.lists:
            found, todo = set(hypotheses), list(hypotheses)
            while todo:
                choice = self.choices.get(todo.pop())
                new = choice.rests_on - found if choice else ()
                found.update(new)
                todo += new
            self.lists[hypotheses] = tuple(sorted(found, key=self._place))
        return self.lists[hypotheses]

    def _place(self, h: Term) -> tuple[bool, int, bytes]:
        return not h.free.isdisjoint(self.names), self.order.get(h, 10**9), h.key

    def model(self, config: int, hypotheses: tuple[Term, ...], sizes: dict[Term, Value]) -> Model | None:
        """Return instances that satisfy the hypotheses, of these sizes and values; None where none is found."""
        key = config, hypotheses
        if key not in self.models:
            if not hypotheses:
                given = frozenset(v for v in sizes if v.args[0].op != "Size")
                seed = self.seed * 1000 + config
                self.models[key] = Model(dict(sizes), POOL, self.definitions, seed, given=given)
            else:
                shorter = self.model(config, hypotheses[:-1], sizes)
                try:
                    self.models[key] = shorter and self.extend(shorter, hypotheses[-1])
                except (Unclear, np.linalg.LinAlgError):
                    self.models[key] = None
        return self.models[key]

    def extend(self, model: Model, formula: Term) -> Model | None:
        """Return the instances that satisfy one more hypothesis."""
        model = replace(model, env=dict(model.env), pending=dict(model.pending))
        known = model.given and formula.free <= model.given.union(v for v in formula.free if v.args[0].op == "Size")
        least = YES if known else TRUE  # an example is believed where samples do not refute it
        choice = self.choices.get(formula)
        if choice is not None and choice.name not in model.env:
            solved = self.solve(model, formula, choice)
            if solved is not None:
                model, least = (
                    solved,
                    NO if formula.op == "ex" else UNKNOWN,
                )  # more of it is chosen next, or a search for it fails
        model.ensure(formula.free)
        good = np.ones(model.count, dtype=bool) if least == NO else model.holds(formula, least)
        if least == TRUE and good.sum() < max(4, model.count // 3) and self.spent.get(formula, 0) < COST:
            start = WORK[0]
            repaired = self.repair(model, formula)
            price = (WORK[0] - start) * (1 if repaired is None else 0.3)  # what fails is soon given up
            self.spent[formula] = self.spent.get(formula, 0) + price
            if repaired is not None and repaired.count > good.sum():
                model, good = repaired, np.ones(repaired.count, dtype=bool)
        if not good.any():
            return None
        model = model.take(good)
        chosen = model.chosen | {choice.name} if choice else model.chosen
        return replace(model, held=(*model.held, formula), chosen=chosen)

    # -- what is chosen -----------------------------------------------------------------------------------------------

    def solve(self, model: Model, formula: Term, choice: Choice) -> Model | None:
        """Return the instances with a value for what is chosen, or None where none is found."""
        if choice.existence in model.pending:
            values = model.pending[choice.existence]
        elif choice.witness is not None:
            model.ensure(choice.witness.free)
            values = [choice.witness]
        else:
            model.ensure(choice.existence.free)
            found = classical(model, choice.existence)
            if found is None:
                found = _solution(model, choice.existence)
            if found is None:
                return None
            mask, values = found
            values = [_take(v, mask, model.count) for v in values]
            model = model.take(mask)
        env = {**model.env, choice.name: values[0]}
        pending = {**model.pending, **({formula: list(values[1:])} if len(values) > 1 else {})}
        return replace(model, env=env, pending=pending)

    # -- other hypotheses ---------------------------------------------------------------------------------------------

    def repair(self, model: Model, formula: Term) -> Model | None:
        """Return instances whose variables are corrected so that a hypothesis holds, and those before it still do."""
        frozen = (
            frozenset()
            .union(*(h.free for h in model.held if h in self.choices))
            .union(*(x.free for x in model.env.values() if isinstance(x, Term)))
        )
        free = sorted(formula.free, key=lambda v: v.key)  # in the same order in every process
        names = [v for v in free if v not in frozen | model.given and isinstance(model.env.get(v), (Num, Table))]
        rng = np.random.default_rng([model.seed, crc32(formula.key)])
        names = [names[i] for i in rng.permutation(len(names))]
        names.sort(key=lambda v: sum(v in h.free for h in model.held))
        best: Model | None = None
        for group in [[v] for v in names[:2]] + ([names] if len(names) > 1 else []):
            try:
                found = self._corrected(model, formula, group)
            except (Unclear, np.linalg.LinAlgError):
                continue
            if found is not None and (best is None or found.count > best.count):
                best = found
            if best is not None and best.count >= model.count // 2:
                break
        return best

    def _corrected(self, model: Model, formula: Term, names: Sequence[Term]) -> Model | None:
        touched = [h for h in model.held if not h.free.isdisjoint(names)] + [formula]
        sorts = [model.evaluator.concrete(v.args[0]) for v in names]
        goals, extra = [], list[tuple[Any, ...]]()
        for h in touched:
            body, more = _stripped(model, h)
            goals.append((body, len(extra), len(extra) + len(more)))
            extra += more
        if sum(map(entries, sorts + extra)) > 40:
            return None

        def residual(x: Array) -> Array:
            values = unpack_all(sorts + extra, x)
            env = {**model.env, **dict(zip(names, values, strict=False))}
            at = Evaluator(env, model.count, model.definitions, depth=1)
            found = [at.residual(body, tuple(values[len(names) :][a:b][::-1]), 1) for body, a, b in goals]
            lead = np.broadcast_shapes(*(f.shape[:-1] for f in found), (1, model.count))
            return np.concatenate([np.broadcast_to(f, (*lead, f.shape[-1])) for f in found], axis=-1)

        rng = np.random.default_rng([model.seed, 7])
        free = sum(map(entries, extra))
        start = [pack(model.env[v], model.count) for v in names] + [0.7 * rng.standard_normal((model.count, free))]
        x, left, _, error = gauss_newton(residual, np.concatenate(start, axis=-1), steps=9)
        values = unpack_all(sorts, x, error)
        env = {**model.env, **dict(zip(names, values, strict=True))}
        new = replace(model, env=env)
        good = np.broadcast_to((left < 1e-11) & (np.abs(x).max(axis=-1, initial=0.0) < 12), (model.count,)).copy()
        for h in touched:
            good &= new.holds(h, TRUE)
        return new.take(good) if good.any() else None


def _stripped(model: Model, t: Term) -> tuple[Term, list[tuple[Any, ...]]]:
    """Return a hypothesis without the names and the existential quantifiers it begins with, and the sorts of these."""
    sorts: list[tuple[Any, ...]] = []
    while t.op == "c" or (t.op == "ex" and t.args[0].op != "Size"):
        if t.op == "c":
            t = model.evaluator.open(t)
        else:
            sorts.append(model.evaluator.concrete(t.args[0]))
            t = t.args[1]
    return t, sorts


def _solution(model: Model, existence: Term) -> tuple[Array, list[Value]] | None:
    """Return values of what exists that solve its equations, and for which instances."""
    body, sorts = _stripped(model, existence)
    if body.op == "ex" or sum(map(entries, sorts)) > 40:
        return None

    def residual(x: Array) -> Array:
        found = model.evaluator.residual(body, tuple(unpack_all(sorts, x)[::-1]), 1)
        return np.broadcast_to(found, (*np.broadcast_shapes(found.shape[:-1], (1, model.count)), found.shape[-1]))

    rng = np.random.default_rng([model.seed, 11])
    start = 0.7 * rng.standard_normal((model.count, sum(map(entries, sorts))))
    x, left, _, error = gauss_newton(residual, start, steps=9)
    return np.broadcast_to(left < 1e-11, (model.count,)).copy(), unpack_all(sorts, x, error)


# -- classical theorems: their witnesses ------------------------------------------------------------------------------


def _inside(t: Term, count: int) -> Term:
    for _ in range(count):
        t = t.args[1]
    return t


def _outside(t: Term, count: int) -> Term:
    for _ in range(count):
        t = lower(t)
    return t


def _family(e: Term) -> list[Term]:
    """The families of columns that a formula about a basis may speak of."""
    spans = _inside(e, 5).args[1]
    left = spans.args[1].args[0]
    found = [_outside(make("lam", None, spans.args[0], left), 5)]
    if left.op == "ap":
        found.append(_outside(lower(left.args[0]), 5))
    return found


_READERS: dict[str, Callable[[Term], list[list[Term]]]] = {
    "factor": lambda e: [[_outside(e.args[1].args[0], 1)]],
    "square_root": lambda e: [[_outside(e.args[1].args[1].args[1], 1)]],
    "embedding": lambda e: [list(e.args[0].args)],
    "spectral": lambda e: [[_outside(_inside(e, 2).args[1].args[0], 2)]],
    "factorisation": lambda e: [[_outside(_inside(e, 5).args[0].args[0], 5)]],
    "basis": lambda e: [[u] for u in _family(e)],
}
_DERIVED: dict[str, Callable[[Expr], Expr]] = {
    "factor": factor_exists, "square_root": square_root_exists, "basis": basis_exists,
}  # fmt: skip


def _says(name: str, terms: list[Term]) -> Term:
    """What a theorem says exists: a classical one by its rule, one that is derived by its statement."""
    return _DERIVED[name](Expr(terms[0])).term if name in _DERIVED else RULES[name]([], terms).conclusion


def recognised(existence: Term) -> tuple[str, list[Term]] | None:
    """Return the theorem of linear algebra, and its terms, whose conclusion says that something exists."""
    for name, read in _READERS.items():
        try:
            for terms in read(existence):
                conclusion = _says(name, terms)
                if existence in (conclusion, conclusion.args[1]):
                    return name, terms
        except (Rejected, IndexError, AttributeError, ValueError, TypeError):
            continue
    try:
        inner = _inside(existence, 3)
        Y, Z = (_outside(inner.args[i].args[0], 3) for i in (1, 2))
        r = _outside(inner.args[4].args[1].args[0], 3)
        return ("top_part", [Y, r, Z]) if top_part(Y, r, Z) is existence else None
    except (Rejected, IndexError, AttributeError, ValueError, TypeError):
        return None


def classical(model: Model, existence: Term) -> tuple[Array, list[Value]] | None:
    """Return witnesses for a classical theorem, and for which instances; None where it is none of them."""
    known = recognised(existence)
    if known is None:
        return None
    name, terms = known
    at = model.evaluator
    if name == "basis":  # the family as its columns
        index, column = terms[0].sort.args  # type: ignore[union-attr]
        u = at.value(terms[0])
        columns = [u(np.full((1, 1, 1), k), 0) for k in range(at.size(index.args[0]))]
        return _basis(model, columns, at.size(column.args[0]))
    return _WITNESSES[name](model, [at.value(t) for t in terms])


Found = tuple[Array, list[Value]]


def _near(v: Array) -> Num:
    return Num(v, 1e-14 * (1 + np.abs(v)))


def _everywhere(model: Model, x: Num) -> Array:
    return np.array(np.broadcast_to(x.v, (model.count, *x.v.shape[1:])))


def _cholesky(model: Model, given: list[Value]) -> Found:
    X = symmetric_part(_everywhere(model, given[0]))
    if not X.shape[-1]:
        return np.ones(model.count, dtype=bool), [_near(X)]
    values, U = np.linalg.eigh(X)
    values = np.where(values > 1e-12 * np.abs(values).max(axis=-1, keepdims=True), values, 0.0)
    return np.ones(model.count, dtype=bool), [_near(U * np.sqrt(values)[:, None, :])]


def _square_root(model: Model, given: list[Value]) -> Found:
    a = _everywhere(model, given[0])
    return a[:, 0, 0] >= 0, [_near(np.sqrt(np.maximum(a, 0)))]


def _embedding(model: Model, given: list[Value]) -> Found:
    m, n = given
    rng = np.random.default_rng([model.seed, m, n])
    Q = np.linalg.qr(rng.standard_normal((model.count, n, n)))[0] if n else np.zeros((model.count, 0, 0))
    return np.full(model.count, m <= n), [_near(Q[:, :m, :] if m <= n else np.zeros((model.count, m, n)))]


def _values(x: Array) -> Table:
    """A family of numbers from its values in the last axis."""
    return Table([_near(x[:, i, None, None]) for i in range(x.shape[-1])], ("Real",))


def _spectral(model: Model, given: list[Value]) -> Found:
    X = symmetric_part(_everywhere(model, given[0]))
    values, U = np.linalg.eigh(X) if X.shape[-1] else (np.zeros((model.count, 0)), X)
    return np.ones(model.count, dtype=bool), [_near(U), _values(values)]


def _ranked(X: Array) -> tuple[Array, int, Array, Array, Array]:
    """For which instances the rank is the most frequent one, that rank, and their singular value decomposition."""
    if not min(X.shape[-2:]):
        n = len(X)
        return np.ones(n, dtype=bool), 0, np.zeros((n, X.shape[1], 0)), np.zeros((n, 0)), np.zeros((n, 0, X.shape[2]))
    U, s, V = np.linalg.svd(X, full_matrices=False)
    ranks = (s > 1e-9 * (1 + s[:, :1])).sum(axis=-1)
    p = int(np.bincount(ranks).argmax())
    return ranks == p, p, U[:, :, :p], np.maximum(s[:, :p], 1e-9), V[:, :p, :]


def _factorisation(model: Model, given: list[Value]) -> Found:
    good, p, U, s, V = _ranked(_everywhere(model, given[0]))
    root = np.sqrt(s)[:, None, :]
    turned = np.swapaxes
    F, H = U * root, turned(turned(V, 1, 2) * root, 1, 2)
    return good, [p, _near(F), _near(turned(U / root, 1, 2)), _near(H), _near(turned(V, 1, 2) / root)]


def _basis(model: Model, columns: Sequence[Num], d: int) -> Found:
    M = np.concatenate([np.zeros((model.count, d, 0)), *(_everywhere(model, c) for c in columns)], axis=-1)
    good, p, U, s, V = _ranked(M)
    coordinates = s[:, :, None] * V  # h_k, in columns
    back = V / s[:, :, None]  # c_k, in columns
    families = [
        Table([_near(C[:, :, k : k + 1]) for k in range(len(columns))], ("Mat", p, 1)) for C in (coordinates, back)
    ]
    return good, [p, _near(U), _near(np.swapaxes(U, 1, 2)), *families]


def _top_part(model: Model, given: list[Value]) -> Found:
    Y, r, _ = given
    good, (U, values) = _spectral(model, [Y])
    n = len(values.values)
    lam = np.concatenate([np.zeros((model.count, 0)), *(v.v[:, 0] for v in values.values)], axis=-1)
    kept = ((np.arange(n) >= n - r) & (lam >= 0)).astype(float)
    return good, [U, values, _values(kept)]


_WITNESSES: dict[str, Callable[[Model, list[Value]], Found]] = {
    "factor": _cholesky, "square_root": _square_root, "embedding": _embedding, "spectral": _spectral,
    "factorisation": _factorisation, "top_part": _top_part,
}  # fmt: skip
