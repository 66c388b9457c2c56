"""The symbols that statements are written in, and how each is read off an instance, exactly.

A formula is an ordinary SymPy object over these symbols. It is evaluated on an instance by computing that very object,
operation by operation, from the instance's exact values, so what is printed is what is tested. A free component index
(k or l) is universally quantified over 1…K.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

from flint import fmpq, fmpq_mat
from sympy import (
    Basic,
    Identity,
    ImmutableMatrix,
    Indexed,
    IndexedBase,
    MatrixSymbol,
    OneMatrix,
    Rational,
    Sum,
    Symbol,
    ZeroMatrix,
    false,
    latex,
    symbols,
    true,
)
from sympy.logic.boolalg import BooleanFunction
from sympy.matrices.matrixbase import MatrixBase

from thmverify import exact
from thmverify.configurations import orbits, product_blocks, vanishing_threshold
from thmverify.errors import InputError
from thmverify.formulavalues import Value, meaning
from thmverify.models import GMM, Instance, PairedGMM, PopulationGraph, Record
from thmverify.subspaces import Subspace, fisher_subspace, mean_subspace

Formula: TypeAlias = Any  # a SymPy Boolean; SymPy carries no types

d, K, r, m = symbols("d K r m", integer=True, positive=True)
k, l = symbols("k l", integer=True)  # the component indices of the sources
delta, eta = Symbol("delta", real=True), Symbol("eta", real=True)
w = IndexedBase("w")
Sigma_k, Sigma_1 = MatrixSymbol("Sigma_k", d, d), MatrixSymbol("Sigma_1", d, d)
mu_k, mu_bar = MatrixSymbol("mu_k", d, 1), MatrixSymbol("mubar", d, 1)
Pi_F, Pi_mu = MatrixSymbol("Pi_F", d, d), MatrixSymbol("Pi_mu", d, d)
d_V, d_T, m_V, m_T = symbols("d_V d_T m_V m_T", integer=True, positive=True)
Sigma_V, Sigma_T = MatrixSymbol("Sigma_V", d_V, d_V), MatrixSymbol("Sigma_T", d_T, d_T)
Sigma_Vk, Sigma_Tk = MatrixSymbol("Sigma_V,k", d_V, d_V), MatrixSymbol("Sigma_T,k", d_T, d_T)
Pi_VF, Pi_Vmu = MatrixSymbol("Pi_V,F", d_V, d_V), MatrixSymbol("Pi_V,mu", d_V, d_V)
Pi_TF, Pi_Tmu = MatrixSymbol("Pi_T,F", d_T, d_T), MatrixSymbol("Pi_T,mu", d_T, d_T)
Cov_VT = MatrixSymbol("Cov_VT", d_V, d_T)
mu_bar_V, mu_bar_T = MatrixSymbol("mubar_V", d_V, 1), MatrixSymbol("mubar_T", d_T, 1)
m_joint = Symbol("m_+", integer=True, positive=True)
n = Symbol("n", integer=True, positive=True)
W = MatrixSymbol("W", n, n)
n_orbits = Symbol("n_orbits", integer=True, positive=True)
n_blocks = Symbol("n_blocks", integer=True, positive=True)
theta_0 = Symbol("theta_0", real=True)
weight_sum = Sum(w[k], (k, 1, K))


def _explicit(decide: Callable[[fmpq_mat], bool], argument: Any) -> Any:
    """Return SymPy's true or false for a predicate of an explicit rational matrix, None for any other argument."""
    if not isinstance(argument, MatrixBase):
        return None
    entries = [fmpq(int(x.p), int(x.q)) for x in argument]
    return true if decide(fmpq_mat(argument.rows, argument.cols, entries)) else false


class PositiveDefinite(BooleanFunction):  # type: ignore[misc]
    """X ≻ 0 for a symmetric matrix X: decided exactly, by a rational LDLᵀ, once X is explicit."""

    nargs = 1

    @classmethod
    def eval(cls, argument: Any) -> Any:
        """Return true or false when the argument is an explicit rational matrix; None leaves it symbolic."""
        return _explicit(cls.of, argument)

    @staticmethod
    def of(m: fmpq_mat) -> bool:
        """Decide it."""
        return exact.is_symmetric(m) and exact.is_positive_definite(m)

    def _latex(self, printer: Any) -> str:
        return rf"{printer._print(self.args[0])} \succ 0"


class EntriesNonnegative(BooleanFunction):  # type: ignore[misc]
    """Every entry of a matrix is ≥ 0: decided once the matrix is explicit."""

    nargs = 1

    @classmethod
    def eval(cls, argument: Any) -> Any:
        """Return true or false when the argument is an explicit rational matrix; None leaves it symbolic."""
        return _explicit(cls.of, argument)

    @staticmethod
    def of(m: fmpq_mat) -> bool:
        """Decide it."""
        return all(x >= 0 for x in m.entries())

    def _latex(self, printer: Any) -> str:
        return rf"{printer._print(self.args[0])} \geq 0 \text{{ entry by entry}}"


class EntriesPositive(BooleanFunction):  # type: ignore[misc]
    """Every entry of a matrix is > 0: decided once the matrix is explicit."""

    nargs = 1

    @classmethod
    def eval(cls, argument: Any) -> Any:
        """Return true or false when the argument is an explicit rational matrix; None leaves it symbolic."""
        return _explicit(cls.of, argument)

    @staticmethod
    def of(m: fmpq_mat) -> bool:
        """Decide it."""
        return all(x > 0 for x in m.entries())

    def _latex(self, printer: Any) -> str:
        return rf"{printer._print(self.args[0])} > 0 \text{{ entry by entry}}"


@dataclass(frozen=True)
class Entry:
    """A symbol, what it stands for, and its exact value on an instance.

    `value` takes the instance and a component number, from 1; entries that belong to no component ignore it.
    """

    symbol: Basic
    meaning: str
    value: Callable[[Instance, int], Value]
    index: Symbol | None = None

    def __reduce__(self) -> tuple[Callable[[Basic], Entry], tuple[Basic]]:
        """Pickle by the symbol alone: the vocabulary is the same everywhere."""
        return _entry, (self.symbol,)

    @property
    def latex(self) -> str:
        """The symbol as LaTeX."""
        return str(latex(self.symbol))


def _projector(space: Subspace) -> fmpq_mat:
    B = space.basis
    if space.dimension == 0:
        return exact.zeros(space.ambient, space.ambient)
    return B * (B.transpose() * B).solve(B.transpose())


def components(instance: Instance) -> int:
    """Return K, the number of components; a graph has none."""
    model = instance.model
    if isinstance(model, PairedGMM):
        return model.vision.components
    return 0 if isinstance(model, PopulationGraph | Record) else model.mixture.components


def _clip(instance: Instance) -> PairedGMM:
    if not isinstance(instance.model, PairedGMM):
        raise InputError("model", instance.kind, "is not a paired mixture", "use clip-gmm")
    return instance.model


def _graph(instance: Instance) -> PopulationGraph:
    if not isinstance(instance.model, PopulationGraph):
        raise InputError("model", instance.kind, "is not a finite graph", "use population-graph")
    return instance.model


def _bias(instance: Instance, _: int) -> Value:
    return exact.to_fmpq(instance.model.bias if isinstance(instance.model, PairedGMM) else instance.pairs.bias)


def _weight(instance: Instance, component: int) -> Value:
    return _mixture(instance).w[component - 1]


def _component_mean(instance: Instance, component: int) -> Value:
    mixture = instance.pairs.mixture
    return exact.column(mixture.means[component - 1])


def _covariance(instance: Instance, component: int) -> Value:
    return instance.pairs.mixture.sigmas[component - 1]


def _covariance_of_means(instance: Instance) -> fmpq_mat:
    vision, text = _clip(instance).vision, _clip(instance).text
    return vision.mu * exact.diagonal(vision.w) * text.mu.transpose() - vision.mean * text.mean.transpose()


def _joint_dimension(instance: Instance) -> int:
    mixture = instance.pairs.mixture
    return (fisher_subspace(mixture) + mean_subspace(mixture)).dimension


def _mixture(instance: Instance) -> GMM:
    """Return the mixture, the vision side of a paired one."""
    return instance.model.vision if isinstance(instance.model, PairedGMM) else instance.pairs.mixture


def _of(value: Callable[[Instance], Value]) -> Callable[[Instance, int], Value]:
    """Return the value of a symbol that belongs to no component."""
    return lambda instance, _: value(instance)


VOCABULARY: tuple[Entry, ...] = (
    Entry(d, "the dimension of x", _of(lambda i: fmpq(i.pairs.mixture.dimension))),
    Entry(K, "the number of components", _of(lambda i: fmpq(_mixture(i).components))),
    Entry(r, "the number of columns of A", _of(lambda i: fmpq(i.rank))),
    Entry(m, "dim S_F", _of(lambda i: fmpq(fisher_subspace(i.pairs.mixture).dimension))),
    Entry(m_joint, "dim(S_F + span{μ_k}): m where the two are one", _of(lambda i: fmpq(_joint_dimension(i)))),
    Entry(
        n_orbits,
        "the number of classes of components that no symmetry of the mixture moves into each other",
        _of(lambda i: fmpq(orbits(i.pairs.mixture))),
    ),
    Entry(
        n_blocks,
        "the number of consecutive blocks of coordinates that are independent",
        _of(lambda i: fmpq(len(product_blocks(i.pairs.mixture)))),
    ),
    Entry(
        theta_0,
        "1/δ₀² for the bias δ₀ of infonce-equality-vanishing",
        _of(lambda i: vanishing_threshold(i.pairs.mixture)),
    ),
    Entry(delta, "the bias of the augmentation, or the share of right captions", _bias),
    Entry(eta, "the weight decay", _of(lambda i: exact.to_fmpq(i.weight_decay))),
    Entry(w[k], "the weight of component k", _weight, k),
    Entry(mu_k, "the mean of component k", _component_mean, k),
    Entry(Sigma_k, "the covariance of component k", _covariance, k),
    Entry(Sigma_1, "the covariance of component 1", _of(lambda i: _covariance(i, 1))),
    Entry(mu_bar, "the mean of the mixture, Σ w_k μ_k", _of(lambda i: i.pairs.mixture.mean)),
    Entry(Pi_F, "the orthogonal projector on S_F", _of(lambda i: _projector(fisher_subspace(i.pairs.mixture)))),
    Entry(Pi_mu, "the orthogonal projector on span{μ_k}", _of(lambda i: _projector(mean_subspace(i.pairs.mixture)))),
    Entry(d_V, "the dimension of x_V", _of(lambda i: fmpq(_clip(i).vision.dimension))),
    Entry(d_T, "the dimension of x_T", _of(lambda i: fmpq(_clip(i).text.dimension))),
    Entry(m_V, "dim S_{V,F}", _of(lambda i: fmpq(fisher_subspace(_clip(i).vision).dimension))),
    Entry(m_T, "dim S_{T,F}", _of(lambda i: fmpq(fisher_subspace(_clip(i).text).dimension))),
    Entry(Sigma_V, "the covariance of the vision modality", _of(lambda i: _clip(i).shared.vision.sigma)),
    Entry(Sigma_T, "the covariance of the text modality", _of(lambda i: _clip(i).shared.text.sigma)),
    Entry(Sigma_Vk, "the covariance of component k, vision", lambda i, k: _clip(i).vision.sigmas[k - 1], k),
    Entry(Sigma_Tk, "the covariance of component k, text", lambda i, k: _clip(i).text.sigmas[k - 1], k),
    Entry(Pi_VF, "the orthogonal projector on S_{V,F}", _of(lambda i: _projector(fisher_subspace(_clip(i).vision)))),
    Entry(Pi_TF, "the orthogonal projector on S_{T,F}", _of(lambda i: _projector(fisher_subspace(_clip(i).text)))),
    Entry(Pi_Vmu, "the projector on span{μ_{V,k}}", _of(lambda i: _projector(mean_subspace(_clip(i).vision)))),
    Entry(Pi_Tmu, "the projector on span{μ_{T,k}}", _of(lambda i: _projector(mean_subspace(_clip(i).text)))),
    Entry(mu_bar_V, "the mean of the vision modality", _of(lambda i: _clip(i).vision.mean)),
    Entry(mu_bar_T, "the mean of the text modality", _of(lambda i: _clip(i).text.mean)),
    Entry(Cov_VT, "Cov(μ_V, μ_T) = Σ w_k (μ_{V,k} − μ̄_V)(μ_{T,k} − μ̄_T)ᵀ", _of(_covariance_of_means)),
    Entry(n, "the number of points of the graph", _of(lambda i: fmpq(_graph(i).points))),
    Entry(W, "the weights w_{xx'} of the graph", _of(lambda i: exact.matrix(_graph(i).weights))),
)
_ENTRIES: dict[Basic, Entry] = {entry.symbol: entry for entry in VOCABULARY}
_INDICES, _WEIGHT = (k, l), w[k]
_CONSTANT = (Identity, OneMatrix, ZeroMatrix)


def entries(*names: str) -> tuple[Entry, ...]:
    """Return the entries of these symbols, by name; an indexed symbol goes by the name of its base.

    Raises KeyError for a name that is not in the vocabulary.
    """
    by_name = {str(getattr(e.symbol, "base", e.symbol)): e for e in VOCABULARY}
    return tuple(by_name[name] for name in names)


def evaluate(formula: Formula, instance: Instance) -> bool:
    """Decide a formula on an instance, exactly.

    Raises InputError when it speaks of another model than the instance's, and TypeError when it holds a symbol that is
    not in the vocabulary. Over a record, symbols stand for its quantities by name.
    """
    if isinstance(instance.model, Record):
        return _decide(formula, {s: _quantity(s, instance.model) for s in formula.free_symbols})
    if isinstance(instance.model, PopulationGraph) and formula.has(K, k, w):
        _mixture(instance)
    expanded = _expanded(formula, components(instance))
    # One component's values often equal another's (a shared covariance): decide each distinct case once.
    cases: list[dict[Basic, Value]] = []
    for case in _cases(expanded, instance):
        if case not in cases:
            cases.append(case)
    return all(_decide(expanded, case) for case in cases)


def _quantity(symbol: Basic, record: Record) -> Value:
    """Return what a symbol stands for in a record. Raises InputError when the record has no such quantity."""
    try:
        value = record[str(symbol)]
    except KeyError:
        names = ", ".join(name for name, _ in record.entries)
        raise InputError("formula", str(symbol), "is no quantity of the record", f"write one of {names}") from None
    if isinstance(value, Fraction):
        return exact.to_fmpq(value)
    return exact.matrix([x if isinstance(x, tuple) else (x,) for x in value])


@lru_cache(maxsize=1024)
def _expanded(formula: Formula, count: int) -> Formula:
    """Return the formula for this number of components, its sums written out."""
    return formula.subs(K, count).doit()


def _decide(formula: Formula, values: dict[Basic, Value]) -> bool:
    decided = meaning(formula)
    try:
        result = _by_sympy(formula, values) if decided is None else decided(values)
    except (ZeroDivisionError, ValueError):  # SymPy says what is wrong
        result = _by_sympy(formula, values)
    if result not in (True, False, true, false):
        raise TypeError(f"the formula {formula} does not evaluate to true or false but to {result}")
    return bool(result)


def _by_sympy(formula: Formula, values: dict[Basic, Value]) -> Any:
    """Return what becomes of the formula when the values are substituted into it."""
    stated = formula.xreplace({symbol: _symbolic(value) for symbol, value in values.items()})
    constants = {x: x.as_explicit() for x in stated.atoms(*_CONSTANT)}  # SymPy decides on explicit matrices alone
    return stated.xreplace(constants).doit()


def _symbolic(value: Value) -> Basic:
    if isinstance(value, fmpq):
        return Rational(int(value.p), int(value.q))
    return ImmutableMatrix(value.nrows(), value.ncols(), [_symbolic(x) for x in value.entries()])


def _cases(formula: Formula, instance: Instance) -> Iterator[dict[Basic, Value]]:
    """Yield the values of the formula's symbols for each choice of its free component indices."""
    used, indices = _used(formula)
    for chosen in itertools.product(range(1, components(instance) + 1), repeat=len(indices)):
        at = dict(zip(indices, chosen, strict=True))
        yield {s: _value(s, at, instance) for s in used}


@lru_cache(maxsize=1024)
def _used(formula: Formula) -> tuple[tuple[Basic, ...], tuple[Symbol, ...]]:
    """Return the symbols of a formula, and the component indices that are free in it."""
    found = [s for s in formula.free_symbols | formula.atoms(Indexed) if not isinstance(s, IndexedBase)]
    used = tuple(s for s in found if s not in _INDICES and s != w.label)
    return used, tuple(sorted({i for s in used for i in _free_indices(s)}, key=str))


def _free_indices(symbol: Basic) -> set[Basic]:
    if isinstance(symbol, Indexed):
        return {i for i in symbol.indices if i in _INDICES}
    index = _entry(symbol).index
    return set() if index is None else {index}


def _value(symbol: Basic, at: dict[Basic, int], instance: Instance) -> Value:
    if isinstance(symbol, Indexed):
        (index,) = symbol.indices
        return _ENTRIES[_WEIGHT].value(instance, at[index] if index in at else int(index))
    entry = _entry(symbol)
    return entry.value(instance, 0 if entry.index is None else at[entry.index])


def _entry(symbol: Basic) -> Entry:
    try:
        return _ENTRIES[symbol]
    except KeyError:
        raise TypeError(f"the symbol {symbol} is not in the vocabulary") from None


def quantifier(formula: Formula) -> str:
    """Return the LaTeX of the universal quantifier over the formula's free component indices, or nothing."""
    free = formula.free_symbols
    families = {e.index for e in VOCABULARY if isinstance(e.symbol, MatrixSymbol) and e.symbol in free}
    named = [str(latex(i)) for i in _INDICES if i in free or i in families]
    return rf",\quad {', '.join(named)} = 1, \dots, K" if named else ""
