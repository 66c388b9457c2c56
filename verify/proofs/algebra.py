"""Matrix algebra with symbolic dimensions: normal forms that decide identities, and an independent numerical check.

A matrix expression is expanded into a sum of words in the free letters; invertible letters cancel; the trace of a word
is known up to rotation and transposition. Equal normal forms prove an identity for every dimension. Each identity is
also evaluated, definitions, inverses and all, at random rational points of several dimensions; where the normal form
does not settle it, that is polynomial identity testing, and its failure probability (Schwartz, Zippel) is stated.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from sympy import (
    Add,
    Basic,
    Identity,
    Integer,
    Inverse,
    MatAdd,
    MatMul,
    MatPow,
    MatrixSymbol,
    Mul,
    Symbol,
    Trace,
    Transpose,
    ZeroMatrix,
    expand,
)
from sympy.matrices.expressions.matexpr import MatrixExpr

from verify.proofs.points import POINTS, Point, factors

Expression: TypeAlias = Any  # a SymPy expression or matrix expression; SymPy carries no types
Letter: TypeAlias = tuple[str, bool, bool]  # name, inverted, transposed
Word: TypeAlias = tuple[Letter, ...]
Poly: TypeAlias = dict[Word, Any]  # word -> commutative SymPy coefficient; the key () stands for 1 or the identity

TESTING = "polynomial identity testing"  # how an identity is decided that normal forms do not settle


def _transposed(word: Word) -> Word:
    return tuple((name, inverted, not t) for name, inverted, t in reversed(word))


def _add(into: Poly, word: Word, coefficient: Any) -> None:
    into[word] = into.get(word, Integer(0)) + coefficient


def _clean(poly: Poly) -> Poly:
    expanded = {word: expand(c) for word, c in poly.items()}
    return {word: c for word, c in expanded.items() if c != 0}


def _product(a: Poly, b: Poly) -> Poly:
    out: Poly = {}
    for u, x in a.items():
        for v, y in b.items():
            _add(out, u + v, x * y)
    return out


@dataclass(frozen=True)
class Algebra:
    """What the matrix symbols of a proof stand for.

    `definitions` maps a symbol to the expression it abbreviates; every other symbol is free. `invertible` holds the
    symbols, free or defined, whose inverse the script may write; a defined one must be symmetric and a single word.
    `needs` names, for a symbol, the hypothesis or step that entitles the script to it (an inverse to the step that
    proves invertibility: its key is then `Inverse(symbol)`). `sizes` are the dimensions at which identities are also
    evaluated numerically.
    """

    definitions: Mapping[MatrixSymbol, Expression] = field(default_factory=dict)
    invertible: tuple[MatrixSymbol, ...] = ()
    needs: Mapping[Basic, tuple[str, ...]] = field(default_factory=dict)
    sizes: tuple[Mapping[Symbol, int], ...] = ()

    def grounds(self, expression: Basic) -> frozenset[str]:
        """Return the names of all that entitles a script to the symbols of this expression."""
        names: set[str] = set()
        for node in expression.atoms(MatrixSymbol, Inverse, Symbol):
            names |= set(self.needs.get(node, ()))
            if node in self.definitions:
                names |= self.grounds(self.definitions[node])
        return frozenset(names)

    def words(self, matrix: Expression) -> Poly:
        """Return the normal form of a matrix expression.

        Raises TypeError for an expression outside the algebra.
        """
        match matrix:
            case MatrixSymbol() if matrix in self.definitions:
                if matrix not in self._memo:
                    self._memo[matrix] = self.words(self.definitions[matrix])
                poly = self._memo[matrix]
            case MatrixSymbol():
                poly = {((matrix.name, False, False),): Integer(1)}
            case Inverse():
                poly = self._inverse(matrix.arg)
            case Identity():
                poly = {(): Integer(1)}
            case ZeroMatrix():
                poly = {}
            case Transpose():
                poly = {_transposed(word): c for word, c in self.words(matrix.arg).items()}
            case MatAdd():
                poly = self._sum(self.words(term) for term in matrix.args)
            case MatMul() | MatPow():
                poly = {(): Integer(1)}
                for factor in factors(matrix):
                    poly = _product(poly, self.normal_form(factor))
            case _:
                raise TypeError(f"{matrix} is not an expression of the matrix algebra")
        return _clean(self._reduced(poly))

    def _inverse(self, matrix: Expression) -> Poly:
        """Return the inverse of an invertible letter, of its transpose, or of a product of these.

        Raises TypeError when nothing says that the matrix is invertible.
        """
        match matrix:
            case MatrixSymbol() if matrix in self.invertible:
                return {((matrix.name, True, False),): Integer(1)}
            case MatrixSymbol() if matrix in self.definitions:
                return self._inverse(self.definitions[matrix])
            case Transpose():
                return {_transposed(word): c for word, c in self._inverse(matrix.arg).items()}
            case MatMul():
                poly: Poly = {(): Integer(1)}
                for factor in reversed(matrix.args):
                    poly = _product(poly, self._inverse(factor))
                return poly
            case _:
                raise TypeError(f"nothing says that {matrix} is invertible")

    def scalar(self, expression: Expression) -> Poly:
        """Return the normal form of a scalar: traces of words with commutative coefficients.

        What is not a trace, a number or a sum or product of these is an opaque scalar and goes into the coefficients.
        Raises TypeError when a product holds two traces.
        """
        match expression:
            case Trace():
                return self.trace(self.words(expression.arg), expression.arg.shape[0])
            case Add():
                return _clean(self._sum(self.scalar(term) for term in expression.args))
            case Mul():
                return self._scalar_product(expression.args)
            case _:
                return {(): expression} if expression != 0 else {}

    @staticmethod
    def _sum(terms: Iterable[Poly]) -> Poly:
        total: Poly = {}
        for term in terms:
            for word, c in term.items():
                _add(total, word, c)
        return total

    def _scalar_product(self, factors: Iterable[Expression]) -> Poly:
        product: Poly = {(): Integer(1)}
        for factor in factors:
            poly = self.scalar(factor)
            if any(product) and any(poly):
                raise TypeError("a product of two traces is outside the algebra")
            product = _product(product, poly)
        return _clean(product)

    @cached_property
    def _memo(self) -> dict[MatrixSymbol, Poly]:
        """The normal forms of the defined letters met so far."""
        return {}

    @cached_property
    def _symmetric(self) -> frozenset[str]:
        """The invertible letters that equal their transposes."""
        return frozenset(s.name for s, word in self._inverse_words.items() if word == _transposed(word))

    @cached_property
    def _inverse_words(self) -> dict[MatrixSymbol, Word]:
        """For each invertible letter, the one word in free letters that it stands for."""
        out = {}
        for symbol in self.invertible:
            poly = self._raw_words(symbol)
            if len(poly) != 1 or set(poly.values()) != {Integer(1)}:
                raise TypeError(f"{symbol} is not a single word: its inverse has no rule")
            (out[symbol],) = poly
        return out

    def _raw_words(self, symbol: MatrixSymbol) -> Poly:
        """Return the expansion of an invertible letter, whose definition holds no inverse."""
        if symbol not in self.definitions:
            return {((symbol.name, False, False),): Integer(1)}
        plain = Algebra(self.definitions)
        return plain.words(self.definitions[symbol])

    @cached_property
    def _rules(self) -> tuple[tuple[Word, Word, Expression], ...]:
        """The rewriting rules with the sizes of their letters: each is shorter on the right, so rewriting ends."""
        rules: list[tuple[Word, Word, Expression]] = []
        for symbol, word in self._inverse_words.items():
            for transposed in (False, True):
                inverse = ((symbol.name, True, transposed),)
                target = _transposed(word) if transposed else word
                rules += [(target + inverse, (), symbol.shape[0]), (inverse + target, (), symbol.shape[0])]
        return tuple(rules)

    def _reduced(self, poly: Poly) -> Poly:
        out: Poly = {}
        for word, c in poly.items():
            _add(out, self._rewritten(word), c)
        return out

    def _rewritten(self, word: Word) -> Word:
        return self._reduction(word, None)[0]

    def _reduction(self, word: Word, size: Expression | None) -> tuple[Word, Expression | None]:
        """Return the word after all rewriting and, if it has become an identity, the size of the letter gone last."""
        if not any(inverted for _, inverted, _ in word):
            return word, size
        word = tuple((name, inverted, t and not (inverted and name in self._symmetric)) for name, inverted, t in word)
        for left, right, rows in self._rules:
            at = next((i for i in range(len(word) - len(left) + 1) if word[i : i + len(left)] == left), None)
            if at is not None:
                return self._reduction(word[:at] + right + word[at + len(left) :], rows)
        return word, size

    def trace(self, poly: Poly, size: Expression | None = None) -> Poly:
        """Return the normal form of the trace of a matrix in normal form; `size` is its number of rows.

        The trace of an identity is its size. Raises TypeError where the size is needed and not given.
        """
        out: Poly = {}
        for word, c in poly.items():
            canonical, rows = self._canonical(word, size)
            if not canonical and rows is None:
                raise TypeError("the trace of an identity of unknown size")
            _add(out, canonical, c if canonical else c * rows)
        return _clean(out)

    def _canonical(self, word: Word, size: Expression | None) -> tuple[Word, Expression | None]:
        """Return the representative of a word under rotation and transposition, rewritten in every rotation.

        With it comes the size of the identity that the word is when no letter is left: that of the letter that was the
        last to cancel, whatever the size of the matrix it was written as.
        """
        rotations = [self._reduction(word[i:] + word[:i], size) for i in range(max(1, len(word)))]
        shortest, rows = min(rotations, key=lambda found: len(found[0]))
        if len(shortest) < len(word):
            return self._canonical(shortest, rows)
        words = [rotated for rotated, _ in rotations]
        return min(words + [self._rewritten(_transposed(r)) for r in words]), rows

    def normal_form(self, expression: Expression) -> Poly:
        """Return the normal form of a scalar or of a matrix expression."""
        return self.words(expression) if isinstance(expression, MatrixExpr) else self.scalar(expression)

    def equal(self, left: Expression, right: Expression) -> tuple[bool, str]:
        """Decide left = right; return the decision and how it was reached, or where the two sides differ.

        Raises TypeError for an expression outside the algebra.
        """
        degree = 0
        for number, sizes in enumerate(self.sizes):
            point = Point(self.definitions, sizes, random.Random(number))
            if point.value(left) != point.value(right):
                return False, f"the two sides differ at a random rational point with {_sizes_text(sizes)}"
            degree = max(degree, _degree_of_difference(point.degree(left), point.degree(right)))
        tried = " and ".join(_sizes_text(sizes) for sizes in self.sizes)
        if self.normal_form(left) == self.normal_form(right):
            points = f"; so do random rational points ({tried})" if tried else ""
            return True, f"the normal forms agree, for every dimension{points}"
        if not self.sizes:
            return False, "the normal forms differ"
        how = f"{TESTING} at {tried}, entries uniform among {POINTS} integers"
        bound = f"a false identity of degree ≤ {degree} passes with probability ≤ {degree / POINTS:.1e}"
        return True, f"{how}: {bound} (Schwartz, Zippel); other dimensions are not covered"


def _degree_of_difference(left: tuple[int, int], right: tuple[int, int]) -> int:
    """Bound the degree of the numerator of a/b − c/d, from those of numerators and denominators."""
    (a, b), (c, d) = left, right
    return max(a + d, c + b)


def _sizes_text(sizes: Mapping[Symbol, int]) -> str:
    return ", ".join(f"{symbol} = {n}" for symbol, n in sizes.items())
