"""Terms as LaTeX, for the report and the terminal: what a reader is shown is the formula that the kernel derived."""

from __future__ import annotations

from verify.kernel.proofs.terms import Term

_LETTERS = {
    "mu": r"\mu", "Sigma": r"\Sigma", "delta": r"\delta", "eta": r"\eta", "tau": r"\tau", "lambda": r"\lambda", "rho": r"\rho",
    "Λ": r"\Lambda", "Ω": r"\Omega", "ρ": r"\rho", "λ": r"\lambda", "κ": r"\kappa", "theta": r"\theta", "Π": r"\Pi", "Δ": r"\Delta",
}  # fmt: skip
_NAMES = {"Real": ("t", "s", "u", "z"), "Index": ("k", "l", "j", "i"), "Mat": ("X", "Y", "Z", "W"), "Col": ("x", "y", "z", "v"), "Fun": ("c", "e", "f", "g"), "Size": ("m", "n", "p")}
_LOW, _SUM, _PRODUCT, _ATOM = 0, 1, 2, 3


def latex(t: Term, names: tuple[str, ...] = ()) -> str:
    """Return a formula or another term as LaTeX; `names` are those of the variables bound outside, the innermost first."""
    return _tex(t, names, _LOW)


def letter(name: str) -> str:
    """Return a variable's name as LaTeX: mu is μ, A_in is A with an index, B⁺ keeps its sign."""
    plain = name.split("#")[0]
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


def _kind(sort: Term) -> str:
    return "Col" if sort.op == "Mat" and sort.args[1].op == "lit" and sort.args[1].val == 1 else sort.op


def _fresh(t: Term, sort: Term | str, names: tuple[str, ...]) -> str:
    pool = _NAMES.get(sort if isinstance(sort, str) else _kind(sort), ("x", "y", "z"))
    taken = {*names, *(letter(str(v.val)) for v in t.free)}
    for i in range(10**6):
        name = pool[i % len(pool)] + ("" if i < len(pool) else f"_{{{i // len(pool)}}}")
        if name not in taken:
            return name
    return "?"


def _tex(t: Term, names: tuple[str, ...], want: int) -> str:
    op, a = t.op, t.args

    def go(x: Term, level: int = _LOW) -> str:
        return _tex(x, names, level)

    if op == "var":
        return letter(str(t.val))
    if op == "bound":
        return names[int(str(t.val))] if int(str(t.val)) < len(names) else "?"
    if op in ("lit", "nth"):
        return str(t.val)
    if op == "num":
        return _number(t, want)
    if op == "size":
        return go(a[0], want)
    if op in ("add", "plus"):
        return _wrap(_added([go(x, _SUM) for x in a]), _SUM, want)
    if op in ("mul", "dot", "scale"):
        return _multiplied(t, names, want)
    if op == "c":
        return _constant(t, names)
    if op == "ap":
        return _applied(t, names)
    if op in _ROUND:
        return _ROUND[op].format(go(a[0]))
    if op in ("T", "minv", "inv", "unit"):
        return _small(t, names)
    if op == "id":
        return "I"
    if op == "zero":
        return "0"
    if op == "delta":
        return f"[{go(a[0])} = {go(a[1])}]"
    if op in ("eq", "le", "not", "and", "or", "imp", "iff"):
        return _formula(t, names, want)
    if op == "deriv":
        return _derivative(t, names)
    return _binder(t, names, want)


def _derivative(t: Term, names: tuple[str, ...]) -> str:
    f, at, value = t.args
    if f.op != "lam":
        return rf"{_tex(f, names, _ATOM)}'({_tex(at, names, _LOW)}) = {_tex(value, names, _LOW)}"
    s = _fresh(t, "Real", names)
    along = _tex(f.args[1], (s, *names), _LOW)
    return rf"\frac{{d}}{{d{s}}}\left({along}\right)\Big|_{{{s}={_tex(at, names, _LOW)}}} = {_tex(value, names, _LOW)}"


_ROUND = {"exp": r"\exp\left({}\right)", "log": r"\log\left({}\right)", "tr": r"\mathrm{{tr}}\left({}\right)"}


def _number(t: Term, want: int) -> str:
    from fractions import Fraction

    q = t.val if isinstance(t.val, Fraction) else Fraction(0)
    text = str(q.numerator) if q.denominator == 1 else rf"\tfrac{{{abs(q.numerator)}}}{{{q.denominator}}}"
    if q.denominator != 1 and q < 0:
        text = "-" + text
    return _wrap(text, _ATOM if q >= 0 else _SUM, want)


def _added(parts: list[str]) -> str:
    whole = parts[0]
    for p in parts[1:]:
        whole += f" - {p[1:]}" if p.startswith("-") else f" + {p}"
    return whole


def _multiplied(t: Term, names: tuple[str, ...], want: int) -> str:
    parts = list(t.args)
    sign = ""
    while len(parts) > 1 and parts[0].op == "num" and parts[0].val == -1:
        sign, parts = "-" if not sign else "", parts[1:]
    texts = [_tex(x, names, _PRODUCT if len(parts) > 1 else want) for x in parts]
    space = r" \, " if t.op == "mul" else " "
    return _wrap(sign + space.join(texts), _SUM if sign else _PRODUCT, want)


def _constant(t: Term, names: tuple[str, ...]) -> str:
    """A defined name: arguments that are the model's own letters, in their usual places, are left out."""
    shown = [x for x in t.args[1:] if x.sort is not None and x.sort.op != "Size" and not _usual(x)]
    inner = ", ".join(_tex(x, names, _LOW) for x in shown)
    name = rf"\mathrm{{{t.val}}}"
    return name + (rf"({inner})" if inner else "")


def _usual(x: Term) -> bool:
    return x.op == "var" and x.val in ("w", "mu", "Sigma", "delta", "eta", "mu_V", "mu_T", "Sigma_V", "Sigma_T")


def _applied(t: Term, names: tuple[str, ...]) -> str:
    args = []
    while t.op == "ap":
        args.append(t.args[1])
        t = t.args[0]
    inner = ", ".join(_tex(x, names, _LOW) for x in reversed(args))
    if all(x.sort is not None and x.sort.op == "Index" for x in args):
        head = _tex(t, names, _ATOM)
        return f"{head}_{{{inner}}}" if "_" not in head else f"({head})_{{{inner}}}"
    return f"{_tex(t, names, _ATOM)}({inner})"


def _small(t: Term, names: tuple[str, ...]) -> str:
    inner = _tex(t.args[0], names, _ATOM)
    if t.op == "unit":
        return f"e_{{{_tex(t.args[0], names, _LOW)}}}"
    if t.args[0].op in ("T", "minv", "inv", "unit") or "^" in inner[-4:]:
        inner = f"{{{inner}}}"
    return f"{inner}^{{T}}" if t.op == "T" else f"{inner}^{{-1}}"


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
        return rf"\neg\left({go(inner)}\right)"
    if not a:
        return r"\text{true}" if op == "and" else r"\text{false}"
    sign = {"and": r" \;\wedge\; ", "or": r" \;\vee\; ", "imp": r" \implies ", "iff": r" \iff "}[op]
    return _wrap(sign.join(_inner(x, names, op) for x in a), _LOW, want)


def _inner(t: Term, names: tuple[str, ...], op: str) -> str:
    text = _tex(t, names, _LOW)
    loose = t.op in ("imp", "iff", "all", "ex") or (t.op in ("and", "or") and op != "imp" and t.op != op)
    return rf"\left({text}\right)" if loose and not (op == "imp" and t.op == "and") else text


def _binder(t: Term, names: tuple[str, ...], want: int) -> str:
    op, a = t.op, t.args
    if op in ("sum", "lse", "smax"):
        k = _fresh(t, "Index", names)
        inside = (k, *names)
        if op == "sum":
            return _wrap(rf"\sum_{{{k}}} {_tex(a[1], inside, _PRODUCT)}", _PRODUCT if want <= _PRODUCT else _SUM, want)
        body = rf"{_tex(a[1], inside, _PRODUCT)} e^{{{_tex(a[2], inside, _LOW)}}}"
        whole = rf"\sum_{{{k}}} {body}"
        if op == "lse":
            return _wrap(rf"\log {whole}", _PRODUCT, want)
        return rf"\mathrm{{softmax}}_{{{_tex(a[3], names, _LOW)}}}\left({k} \mapsto {body}\right)"
    if op == "mean":
        x = next(n for n in (r"\xi", r"\eta", r"\zeta", r"\xi'", r"\eta'", r"\zeta'", r"\xi''") if n not in names)
        return rf"\mathbb{{E}}_{{{x} \sim N({_tex(a[0], names, _LOW)})}}\left[{_tex(a[1], (x, *names), _LOW)}\right]"
    x = _fresh(t, a[0], names)
    sign = {"all": r"\forall", "ex": r"\exists", "lam": r"\lambda"}[op]
    return rf"{sign} {x}.\; {_tex(a[1], (x, *names), _LOW)}"
