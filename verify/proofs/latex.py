"""Terms as LaTeX, for the report and the terminal: what a reader is shown is the formula that the kernel derived.

The letters are those of the terms. A few things are written as is usual: a 1 × 1 matrix as the number that it holds
(xᵀy for tr(xᵀy)), ‖Y‖² for tr(YᵀY), X ≻ 0 and X ⪰ 0 for what they are defined by, and c·a⁻¹ as a fraction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import groupby

from thmverify.kernel.proofs.ring import semidefinite
from thmverify.kernel.proofs.rules import Definition
from thmverify.kernel.proofs.terms import PROP, Term, make
from thmverify.proofs.expressions import definite_term

_GREEK = ("mu", "Sigma", "delta", "eta", "tau", "lambda", "rho", "theta")
_GREEK_LETTERS = {
    "Λ": r"\Lambda",
    "Ω": r"\Omega",
    "ρ": r"\rho",
    "λ": r"\lambda",
    "κ": r"\kappa",
    "Π": r"\Pi",
    "Δ": r"\Delta",
    "σ": r"\sigma",
}
_LETTERS = {name: f"\\{name}" for name in _GREEK} | _GREEK_LETTERS
_NAMES = {
    "Real": ("t", "s", "u", "z"),
    "Index": ("k", "l", "j", "i"),
    "Mat": ("X", "Y", "Z", "W"),
    "Col": ("x", "y", "z", "v"),
    "Fun": ("c", "e", "f", "g"),
    "Size": ("m", "n", "p"),
}
_RANDOM = (r"\xi", r"\zeta", r"\omega")  # η is the weight of a penalty
_SYMBOLS = {"MeanCovariance": r"\bar{\Sigma}", "Mean": r"\bar{\mu}"}  # defined names that have a letter of their own
_USUAL = ("w", "mu", "Sigma", "delta", "eta", "mu_V", "mu_T", "Sigma_V", "Sigma_T")  # a model's own letters
_COMMA = r",\; "
_LOW, _SUM, _PRODUCT, _ATOM = 0, 1, 2, 3
MAX_LENGTH = 5000  # nodes of a formula that is shown
_LONG = 40  # characters of an exponent that is better set on the line
_WIDE = 320  # characters of a fraction that no longer fits a line
_INDEXED = re.compile(r"(.*)_\{([^{}]*)\}")


def latex(t: Term, names: tuple[str, ...] = ()) -> str:
    """Return a formula or another term as LaTeX; `names` are those of the variables bound outside, innermost first."""
    return _tex(t, names, _LOW) if _length(t) <= MAX_LENGTH else r"\text{(too long to show)}"


@lru_cache(maxsize=2**16)
def _length(t: Term) -> int:
    """Return how many nodes a term has when it is written out: with shared parts that can be many more than it has."""
    return 1 + sum(map(_length, t.args))


def parts(t: Term) -> tuple[str, ...]:
    """Return a formula as LaTeX, a conjunction as the formulas that it joins."""
    if _length(t) > MAX_LENGTH:
        return (latex(t),)
    found = _joined(t.args) if t.op == "and" else [(t,)]
    return tuple(_conjunct(x, (), "") for x in found)


def definition(known: Definition) -> str:
    """Return a definition as LaTeX: the name at its parameters, and what it stands for."""
    name = make("c", known.name, known.body.sort, *known.parameters)  # type: ignore[arg-type]
    sign = r":\iff" if known.body.sort is PROP else ":="
    shown = [x for x in known.parameters if x.args[0].op != "Size" and not _usual(x)]
    given = rf"\qquad \left({_ranges(shown)}\right)" if shown else ""
    return f"{latex(name)} {sign} {latex(known.body)}{given}"


def letters(terms: Sequence[Term]) -> str:
    """Return the free variables of these terms with their ranges, sizes first."""
    order = {name: i for i, name in enumerate(("d", "K", "r", *_USUAL))}
    free = sorted(
        frozenset().union(*(t.free for t in terms)),
        key=lambda v: (v.args[0].op != "Size", order.get(str(v.val), len(order)), str(v.val)),
    )
    return _ranges(free, r",\qquad ")


def _ranges(variables: Sequence[Term], between: str = _COMMA) -> str:
    """Return variables with their ranges, neighbours of one range together."""
    return _grouped([(letter(str(v.val)), _range(v.args[0], ())) for v in variables], between)


def _grouped(pairs: Sequence[tuple[str, str]], between: str) -> str:
    groups = groupby(pairs, key=lambda pair: pair[1])
    return between.join(rf"{', '.join(name for name, _ in group)} {where}" for where, group in groups)


def letter(name: str) -> str:
    """Return a variable's name as LaTeX: mu is μ, A_in is A with an index, B⁺ keeps its sign."""
    plain = name.split("#", maxsplit=1)[0]
    base, _, index = plain.partition("_")
    mark = "^{+}" if base.endswith("⁺") else "'" * (len(base) - len(base.rstrip("'′")))
    base = base.rstrip("⁺'′")
    head = _LETTERS.get(base) or (base if len(base) == 1 else rf"\mathit{{{base}}}" if base else "x")
    return head + _index(index) + mark


def _index(index: str) -> str:
    if not index:
        return ""
    inner = index if len(index) == 1 else rf"\mathrm{{{index}}}"
    return f"_{{{inner}}}"


def _wrap(s: str, level: int, wanted: int) -> str:
    return rf"\left({s}\right)" if level < wanted else s


# -- sorts ------------------------------------------------------------------------------------------------------------


def _sort(sort: Term, names: tuple[str, ...]) -> str:
    sizes = [_tex(x, names, _ATOM) for x in sort.args] if sort.op in ("Mat", "Index") else []
    if sort.op == "Mat":
        return rf"\mathbb{{R}}^{{{sizes[0]}}}" if sizes[1] == "1" else rf"\mathbb{{R}}^{{{sizes[0]} \times {sizes[1]}}}"
    if sort.op == "Index":
        return sizes[0]
    if sort.op == "Fun":
        domains = []
        while sort.op == "Fun":
            domains.append(_sort(sort.args[0], names))
            sort = sort.args[1]
        return rf"{r' × '.join(domains)} \to {_sort(sort, names)}".replace("×", r"\times")
    return {"Real": r"\mathbb{R}", "Size": r"\mathbb{N}", "Prop": r"\mathrm{Formula}"}.get(sort.op, sort.op)


def _range(sort: Term, names: tuple[str, ...]) -> str:
    """Return what stands between a variable and its body: k < K, X ∈ R^{d×r}, c: K → R."""
    sign = {"Index": "<", "Fun": ":"}.get(sort.op, r"\in")
    return f"{sign} {_sort(sort, names)}"


def _kind(sort: Term) -> str:
    return "Col" if sort.op == "Mat" and sort.args[1].op == "lit" and sort.args[1].val == 1 else sort.op


def _fresh(t: Term, sort: Term | str, names: tuple[str, ...]) -> str:
    return _unused(_NAMES.get(sort if isinstance(sort, str) else _kind(sort), ("x", "y", "z")), t, names)


def _unused(pool: Sequence[str], t: Term, names: tuple[str, ...]) -> str:
    taken = {*names, *(letter(str(v.val)) for v in t.free)}
    for i in range(10**6):
        name = pool[i % len(pool)] + ("" if i < len(pool) else f"_{{{i // len(pool)}}}")
        if name not in taken:
            return name
    return "?"


# -- terms ------------------------------------------------------------------------------------------------------------


def _tex(t: Term, names: tuple[str, ...], want: int) -> str:
    return _WRITERS.get(t.op, _binder)(t, names, want)


def _leaf(t: Term, names: tuple[str, ...], _: int) -> str:
    if t.op == "bound":
        i = int(str(t.val))
        return names[i] if i < len(names) else "?"
    return {"var": letter(str(t.val)), "id": "I", "zero": "0"}.get(t.op, str(t.val))


def _size(t: Term, names: tuple[str, ...], want: int) -> str:
    return _tex(t.args[0], names, want)


def _sum(t: Term, names: tuple[str, ...], want: int) -> str:
    return _wrap(_added([_tex(x, names, _SUM) for x in t.args]), _SUM, want)


def _round(t: Term, names: tuple[str, ...], _: int) -> str:
    return rf"\{t.op}\left({_tex(t.args[0], names, _LOW)}\right)"


def _trace(t: Term, names: tuple[str, ...], want: int) -> str:
    (X,) = t.args
    root = _rooted(X)
    if root is not None:
        return rf"\left\|{_tex(root, names, _LOW)}\right\|^{{2}}"
    return _tex(X, names, want) if _is_number(X) else rf"\mathrm{{tr}}\left({_tex(X, names, _LOW)}\right)"


def _delta(t: Term, names: tuple[str, ...], _: int) -> str:
    return f"[{_tex(t.args[0], names, _LOW)} = {_tex(t.args[1], names, _LOW)}]"


def _is_number(X: Term) -> bool:
    """Return whether a matrix is 1 × 1."""
    return X.sort is not None and X.sort.op == "Mat" and all(n.op == "lit" and n.val == 1 for n in X.sort.args)


def _rooted(X: Term) -> Term | None:
    """Return Y when a matrix is YᵀY."""
    if X.op != "dot" or X.args[0].op != "T":
        return None
    root, rest = X.args[0].args[0], X.args[1:]
    return root if rest == (root.args if root.op == "dot" else (root,)) else None


def _derivative(t: Term, names: tuple[str, ...], _: int) -> str:
    f, at, value = t.args
    if f.op != "lam":
        return rf"{_tex(f, names, _ATOM)}'({_tex(at, names, _LOW)}) = {_tex(value, names, _LOW)}"
    s = _fresh(t, "Real", names)
    along = _tex(f.args[1], (s, *names), _ATOM)
    return rf"\frac{{d}}{{d{s}}} {along} \Big|_{{{s}={_tex(at, names, _LOW)}}} = {_tex(value, names, _LOW)}"


def _moderate(t: Term, names: tuple[str, ...], _: int) -> str:
    return rf"\mathrm{{Moderate}}\left({_tex(t.args[0], names, _LOW)}\right)"


def _number(t: Term, want: int) -> str:
    q = t.val if isinstance(t.val, Fraction) else Fraction(0)
    return _wrap(_rational(q), _ATOM if q >= 0 else _SUM, want)


def _rational(q: Fraction) -> str:
    size = str(abs(q.numerator)) if q.denominator == 1 else rf"\tfrac{{{abs(q.numerator)}}}{{{q.denominator}}}"
    return f"-{size}" if q < 0 else size


def _added(terms: list[str]) -> str:
    whole = terms[0]
    for p in terms[1:]:
        whole += f" - {p[1:]}" if p.startswith("-") else f" + {p}"
    return whole


def _multiplied(t: Term, names: tuple[str, ...], want: int) -> str:
    factors = list(t.args)
    number = Fraction(1)
    while len(factors) > 1 and factors[0].op == "num" and isinstance(factors[0].val, Fraction):
        number, factors = number * factors[0].val, factors[1:]
    below = [x.args[0] for x in factors if x.op == "inv"] if t.op == "mul" else []
    above = [x for x in factors if x.op != "inv"] if below else factors
    many = len(above) > 1 or (number not in (1, -1) and not below)
    top = _factors(above, names, t.op, want if not many and not below and number == 1 else _PRODUCT)
    if below:
        bottom = _factors(below, names, "mul", _LOW)
        top = top or "1"
        if max(len(top), len(bottom)) <= _WIDE:
            top = rf"\frac{{{top}}}{{{bottom}}}"
        else:
            top = rf"{top} \, \left({bottom}\right)^{{-1}}"
    sign = "-" if number < 0 else ""
    if abs(number) != 1:
        top = rf"{_rational(abs(number))} \, {top}"
    alone = number == 1 and not below and len(above) == 1
    return top if alone else _wrap(sign + top, _SUM if sign else _PRODUCT, want)


def _factors(factors: Sequence[Term], names: tuple[str, ...], op: str, want: int) -> str:
    """Return a product, with equal neighbours that are numbers as a power."""
    runs = [(x, len([*group])) for x, group in groupby(factors)] if op == "mul" else [(x, 1) for x in factors]
    if len(runs) == 1 and runs[0][1] == 1:
        return _tex(runs[0][0], names, want)
    texts = []
    for i, (x, count) in enumerate(runs):
        number = x.op == "tr" and _is_number(x.args[0]) and _rooted(x.args[0]) is None  # xᵀy among other factors
        open_ended = i + 1 < len(runs) and x.op in ("sum", "lse")
        text = _tex(x, names, _ATOM if number or open_ended or count > 1 else _PRODUCT)
        texts.append(text if count == 1 else rf"{{{text}}}^{{{count}}}")
    return (r" \, " if op == "mul" else " ").join(texts)


def _constant(t: Term, names: tuple[str, ...], _: int) -> str:
    """A defined name; the model's own letters are left out of its arguments, those of one modality are an index."""
    shown = [x for x in t.args[1:] if x.sort is not None and x.sort.op != "Size" and not _usual(x)]
    if not shown and t.val in _SYMBOLS:
        return _SYMBOLS[str(t.val)]
    inner = ", ".join(_tex(x, names, _LOW) for x in shown)
    modalities = {str(x.val)[-1] for x in t.args if _usual(x) and "_" in str(x.val)}
    name = rf"\mathrm{{{t.val}}}" + (f"_{{{modalities.pop()}}}" if len(modalities) == 1 else "")
    return name + (rf"\left({inner}\right)" if inner else "")


def _usual(x: Term) -> bool:
    return x.op == "var" and x.val in _USUAL


def _applied(t: Term, names: tuple[str, ...], _: int) -> str:
    args = []
    while t.op == "ap":
        args.append(t.args[1])
        t = t.args[0]
    inner = ", ".join(_tex(x, names, _LOW) for x in reversed(args))
    head = _tex(t, names, _ATOM)
    if not all(x.sort is not None and x.sort.op == "Index" for x in args):
        return rf"{head}\left({inner}\right)"
    indexed = _INDEXED.fullmatch(head)
    if indexed:
        return f"{indexed[1]}_{{{indexed[2]}, {inner}}}"
    return f"{head}_{{{inner}}}" if "_" not in head else f"({head})_{{{inner}}}"


def _small(t: Term, names: tuple[str, ...], _: int) -> str:
    if t.op == "unit":
        return f"e_{{{_tex(t.args[0], names, _LOW)}}}"
    inner = _tex(t.args[0], names, _ATOM)
    if t.op == "T" and t.args[0].op == "minv":  # (X⁻¹)ᵀ
        return f"{_tex(t.args[0].args[0], names, _ATOM)}^{{-T}}"
    if t.args[0].op in ("T", "minv", "inv") or "^" in inner[-5:]:
        inner = rf"\left({inner}\right)"
    return f"{inner}^{{T}}" if t.op == "T" else f"{inner}^{{-1}}"


# -- formulas ---------------------------------------------------------------------------------------------------------


def _formula(t: Term, names: tuple[str, ...], want: int) -> str:
    op, a = t.op, t.args

    def go(x: Term) -> str:
        return _tex(x, names, _LOW)

    if op == "eq":
        return f"{go(a[0])} = {go(a[1])}"
    if op == "le":
        return rf"{go(a[0])} \leq {go(a[1])}"
    if op == "not":
        inner = a[0]
        if inner.op == "le":
            return f"{go(inner.args[1])} < {go(inner.args[0])}"
        if inner.op == "eq":
            return rf"{go(inner.args[0])} \neq {go(inner.args[1])}"
        return rf"\neg {go(inner)}" if inner.op == "c" else rf"\neg\left({go(inner)}\right)"
    if not a:
        return r"\text{true}" if op == "and" else r"\text{false}"
    sign = {"and": r" \;\wedge\; ", "or": r" \;\vee\; ", "imp": r" \implies ", "iff": r" \iff "}[op]
    found = _joined(a) if op == "and" else [(x,) for x in a]
    if len(found) == 1:
        return _conjunct(found[0], names, "")
    return _wrap(sign.join(_conjunct(x, names, op) for x in found), _LOW, want)


def _joined(conjuncts: Sequence[Term]) -> list[tuple[Term, ...]]:
    """Return the conjuncts one by one, the two that say X ≻ 0 or X ⪰ 0 together."""
    found: list[tuple[Term, ...]] = []
    for t in conjuncts:
        flat = t.args if t.op == "and" and _order(t.args) == "" else (t,)
        for x in flat:
            if found and len(found[-1]) == 1 and _order((found[-1][0], x)):
                found[-1] = (found[-1][0], x)
            else:
                found.append((x,))
    return found


def _order(pair: Sequence[Term]) -> str:
    """Return ≻ or ⪰ when two formulas together say that X ≻ 0 or X ⪰ 0."""
    if len(pair) != 2 or pair[0].op != "eq" or pair[1].op != "all":
        return ""
    X = pair[0].args[0]
    if X.sort is None or X.sort.op != "Mat" or X.sort.args[0] is not X.sort.args[1]:
        return ""
    for sign, says in ((r"\succ", definite_term(X)), (r"\succeq", semidefinite(X))):
        if tuple(pair) == says.args:
            return sign
    return ""


def _conjunct(found: tuple[Term, ...], names: tuple[str, ...], op: str) -> str:
    if len(found) == 2:
        return rf"{_tex(found[0].args[0], names, _LOW)} {_order(found)} 0"
    (t,) = found
    text = _tex(t, names, _LOW)
    ordered = t.op == "and" and len(_joined(t.args)) == 1
    loose = t.op in ("imp", "iff", "all", "ex") or (t.op in ("and", "or") and op not in ("imp", t.op))
    return rf"\left({text}\right)" if op and loose and not ordered else text


def _binder(t: Term, names: tuple[str, ...], want: int) -> str:
    op, a = t.op, t.args
    if op in ("all", "ex"):
        return _quantified(t, names)
    if op == "mean":
        return _mean(t, names)
    if op == "lam":
        x = _fresh(t, a[0], names)
        return _wrap(rf"{x} \mapsto {_tex(a[1], (x, *names), _LOW)}", _LOW, want)
    k = _fresh(t, "Index", names)
    inside = (k, *names)
    sign = rf"\sum_{{{k} < {_tex(a[0], names, _ATOM)}}}"
    if op == "sum":
        return _wrap(rf"{sign} {_tex(a[1], inside, _PRODUCT)}", _PRODUCT, want)
    body = rf"{_tex(a[1], inside, _PRODUCT)} \, {_power(a[2], inside)}"
    if op == "lse":
        return _wrap(rf"\log {sign} {body}", _PRODUCT, want)
    return rf"\mathrm{{softmax}}_{{{_tex(a[3], names, _LOW)}}}\left({k} \mapsto {body}\right)"


def _power(exponent: Term, names: tuple[str, ...]) -> str:
    text = _tex(exponent, names, _LOW)
    return rf"e^{{{text}}}" if len(text) <= _LONG else rf"\exp\left({text}\right)"


def _mean(t: Term, names: tuple[str, ...]) -> str:
    """Return a mean, and means in it, over laws that are named once."""
    laws = []
    while t.op == "mean":
        x = _unused(_RANDOM, t, names)
        laws.append(rf"{x} \sim N({_tex(t.args[0], names, _LOW)})")
        names, t = (x, *names), t.args[1]
    return rf"\mathbb{{E}}_{{{', '.join(laws)}}}\left[{_tex(t, names, _LOW)}\right]"


def _quantified(t: Term, names: tuple[str, ...]) -> str:
    """Return ∀ or ∃ with its variables, those of one range together."""
    op, bound = t.op, list[tuple[str, str]]()
    while t.op == op:
        x = _fresh(t, t.args[0], names)
        bound.append((x, _range(t.args[0], names)))
        names, t = (x, *names), t.args[1]
    sign = r"\forall" if op == "all" else r"\exists"
    return rf"{{{sign} {_grouped(bound, _COMMA)}}}:\; {_tex(t, names, _LOW)}"


_WRITERS: dict[str, Callable[[Term, tuple[str, ...], int], str]] = {
    **dict.fromkeys(("var", "bound", "lit", "nth", "id", "zero"), _leaf),
    **dict.fromkeys(("add", "plus"), _sum),
    **dict.fromkeys(("mul", "dot", "scale"), _multiplied),
    **dict.fromkeys(("exp", "log"), _round),
    **dict.fromkeys(("T", "minv", "inv", "unit"), _small),
    **dict.fromkeys(("eq", "le", "not", "and", "or", "imp", "iff"), _formula),
    "num": lambda t, _, want: _number(t, want),
    "size": _size,
    "tr": _trace,
    "c": _constant,
    "ap": _applied,
    "delta": _delta,
    "deriv": _derivative,
    "moderate": _moderate,
}
