"""Gaussian moments of any order by Isserlis' theorem (Wick's), for every dimension.

The mean of a product of Gaussian columns of mean 0 is the sum, over all ways to pair them, of the products of the
pairs' covariances. A product of traces is cut at its Gaussian columns into chains of fixed letters; each pairing joins
the chains through the covariances into new traces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, TypeAlias

from sympy import Add, Integer, Mul, Pow, Trace
from sympy.core.relational import Equality
from sympy.logic.boolalg import BooleanFunction

from verify.proofs.algebra import Algebra, Expression, Poly, Word
from verify.proofs.core import Check, Claim, Context, Finding, Kind
from verify.proofs.moments import Gaussian, Mean

Traces: TypeAlias = dict[tuple[Word, ...], Any]  # sorted traces of words -> commutative coefficient
_MOST = 12  # Gaussian columns in one product: 10395 pairings


class Independent(BooleanFunction):  # type: ignore[misc]
    """Random columns are independent of each other, all together."""

    def _latex(self, printer: Any) -> str:
        return rf"{', '.join(printer._print(a) for a in self.args)} \text{{ independent}}"


def traces(algebra: Algebra, expression: Expression) -> Traces:
    """Return the normal form of a scalar that may hold products of traces.

    Raises TypeError for an expression outside the algebra.
    """
    match expression:
        case Trace():
            words = algebra.trace(algebra.words(expression.arg), expression.arg.shape[0])
            return _clean({(word,) if word else (): c for word, c in words.items()})
        case Add():
            return _total(traces(algebra, term) for term in expression.args)
        case Mul():
            return _multiplied([traces(algebra, factor) for factor in expression.args])
        case Pow() if expression.exp.is_Integer and expression.exp > 0 and expression.has(Trace):
            return _multiplied([traces(algebra, expression.base)] * int(expression.exp))
        case _:
            if expression.has(Trace):
                raise TypeError(f"{expression} is not a polynomial in traces")
            return _clean({(): expression})


def _clean(poly: Traces) -> Traces:
    expanded = {key: Integer(0) + c for key, c in poly.items()}
    return {key: c.expand() for key, c in expanded.items() if c.expand() != 0}


def _total(parts: Iterator[Traces]) -> Traces:
    out: Traces = {}
    for part in parts:
        for key, c in part.items():
            out[key] = out.get(key, Integer(0)) + c
    return _clean(out)


def _multiplied(factors: Sequence[Traces]) -> Traces:
    out: Traces = {(): Integer(1)}
    for factor in factors:
        out = _total({tuple(sorted(a + b)): x * y} for (a, x), (b, y) in product(out.items(), factor.items()))
    return out


@dataclass(frozen=True)
class _Chain:
    """Fixed letters between two ends; each end is the long or the short side of one Gaussian column."""

    word: Word
    left: tuple[int, bool]  # number of the column; True at its long side, the one with d entries
    right: tuple[int, bool]

    def reversed(self) -> _Chain:
        """Return the chain read backwards: transposed."""
        return _Chain(
            tuple((name, inverted, not t) for name, inverted, t in reversed(self.word)), self.right, self.left
        )


@dataclass(frozen=True)
class _Covariance:
    """A covariance in normal form, and its number of rows."""

    words: Poly
    size: Expression


def mean(algebra: Algebra, expression: Expression, covariances: Mapping[str, Expression]) -> Traces:
    """Return the mean of a polynomial in traces over independent Gaussian columns of mean 0, by name.

    Raises TypeError for an expression outside the algebra, or with too many Gaussian columns in one product.
    """
    sigma = {name: _Covariance(algebra.words(c), c.shape[0]) for name, c in covariances.items()}
    terms = traces(algebra, expression).items()
    return _total(_scaled(_product_mean(algebra, key, sigma), c) for key, c in terms)


def _scaled(poly: Traces, c: Any) -> Traces:
    return {key: c * value for key, value in poly.items()}


def _product_mean(algebra: Algebra, words: Sequence[Word], sigma: Mapping[str, _Covariance]) -> Traces:
    fixed, chains, names = _cut(words, sigma)
    if len(names) > _MOST:
        raise TypeError(f"a product of {len(names)} Gaussian columns: at most {_MOST} are paired")
    means = (
        _multiplied([_loop(algebra, loop, names, sigma) for loop in _loops(chains, dict(pairs))])
        for pairs in _pairings(names)
    )
    return _multiplied([{tuple(sorted(fixed)): Integer(1)}, _total(means)])


def _cut(words: Sequence[Word], sigma: Mapping[str, _Covariance]) -> tuple[list[Word], list[_Chain], list[str]]:
    """Return the traces without a Gaussian column, the chains between the columns of the others, and their names."""
    fixed: list[Word] = []
    chains: list[_Chain] = []
    names: list[str] = []
    for word in words:
        at = [i for i, (name, _, _) in enumerate(word) if name in sigma]
        if not at:
            fixed.append(word)
            continue
        first = len(names)
        names += [word[i][0] for i in at]
        for j, i in enumerate(at):
            following = at[(j + 1) % len(at)]
            end = following if following > i else following + len(word)
            between = (word + word)[i + 1 : end]
            left, right = word[i][2], not word[following][2]  # ξᵀ ends, and ξ begins, with its long side
            chains.append(_Chain(between, (first + j, left), (first + (j + 1) % len(at), right)))
    return fixed, chains, names


def _pairings(names: Sequence[str], free: tuple[int, ...] | None = None) -> Iterator[list[tuple[int, int]]]:
    """Yield all ways to pair columns of the same name, each pair both ways round; none for an odd number."""
    free = tuple(range(len(names))) if free is None else free
    if not free:
        yield []
        return
    first, *others = free
    for other in others:
        if names[other] == names[first]:
            rest = tuple(i for i in others if i != other)
            yield from ([(first, other), (other, first), *pairs] for pairs in _pairings(names, rest))


def _loops(chains: Sequence[_Chain], pair: Mapping[int, int]) -> list[list[_Chain]]:
    """Follow the chains from column to paired column, long side to long side, until each loop closes."""
    starts = {chain.left: chain for chain in chains} | {chain.right: chain.reversed() for chain in chains}
    loops = []
    while starts:
        loop: list[_Chain] = []
        chain: _Chain | None = next(iter(starts.values()))
        while chain is not None:
            loop.append(chain)
            del starts[chain.left]
            starts.pop(chain.right, None)
            number, long = chain.right
            chain = starts.get((pair[number], long))
        loops.append(loop)
    return loops


def _loop(algebra: Algebra, loop: Sequence[_Chain], names: Sequence[str], sigma: Mapping[str, _Covariance]) -> Traces:
    """Return the trace round a loop: through the covariance where long sides meet, straight on where short ones do."""
    poly: Poly = {(): Integer(1)}
    size: Expression = Integer(1)  # of the identity that a loop without letters is: d where a long side is passed
    for chain in loop:
        number, long = chain.right
        joint = sigma[names[number]] if long else _Covariance({(): Integer(1)}, size)
        size = joint.size
        poly = {u + chain.word + v: x * y for (u, x), (v, y) in product(poly.items(), joint.words.items())}
    return _clean({(word,) if word else (): c for word, c in algebra.trace(poly, size).items()})


@dataclass(frozen=True)
class Isserlis(Check):
    """The mean of a polynomial in Gaussian columns of mean 0, of any order."""

    kind: ClassVar[Kind] = Kind.GAUSSIAN_MOMENT

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Sum over all pairings, for every dimension; compare the normal forms.

        The columns are those that a cited claim says are Gaussian; several must be independent by another.
        """
        if not (isinstance(claim, Equality) and isinstance(claim.lhs, Mean)):
            return Finding(False, "the claim is not the value of a mean")
        laws = {fact.args[0]: fact.args[1] for fact in context.facts(Gaussian)}
        drawn = [column for column in laws if claim.lhs.has(column)]
        if not drawn:
            return Finding(False, "nothing cited says that a column of the mean is Gaussian")
        together = any(set(drawn) <= set(fact.args) for fact in context.facts(Independent))
        if len(drawn) > 1 and not together:
            return Finding(False, "nothing cited says that the Gaussian columns are independent")
        try:
            found = mean(context.algebra, claim.lhs.args[0], {c.name: laws[c] for c in drawn})
            wanted = traces(context.algebra, claim.rhs)
        except TypeError as error:
            return Finding(False, str(error))
        if found != wanted:
            return Finding(False, "the mean, summed over all pairings, is not the one claimed")
        return Finding(True, "Isserlis: the sum over all pairings of the Gaussian columns, for every dimension")
