"""Terms as one line of text, for messages and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verify.kernel.proofs.terms import Term

_NAMES = "xyzuvst"
_LOW, _SUM, _PRODUCT, _ATOM = 0, 1, 2, 3


def text(t: Term, names: tuple[str, ...] = ()) -> str:
    """Return a term as text; `names` are those of the variables bound outside, the innermost first."""
    return _text(t, names, _LOW)


def _fresh(t: Term, names: tuple[str, ...], index: bool = False) -> str:
    pool = "klij" if index else _NAMES
    for i in range(10**6):
        name = pool[i % len(pool)] + ("" if i < len(pool) else str(i // len(pool)))
        if name not in names and not any(v.val == name for v in t.free):
            return name
    return "?"


def _wrap(s: str, level: int, wanted: int) -> str:
    return f"({s})" if level < wanted else s


def sort_text(t: Term, names: tuple[str, ...] = ()) -> str:
    """Return a sort as text."""
    if t.op == "Mat":
        return "×".join(_text(a, names, _ATOM) for a in t.args)
    if t.op == "Index":
        return f"<{_text(t.args[0], names, _ATOM)}"
    if t.op == "Fun":
        return f"{sort_text(t.args[0], names)} → {sort_text(t.args[1], names)}"
    return {"Real": "ℝ", "Size": "ℕ", "Prop": "formula"}.get(t.op, t.op)


def _text(t: Term, names: tuple[str, ...], want: int) -> str:
    op, a = t.op, t.args
    if len(names) > 40:
        return "…"
    if t.sort is None:
        return sort_text(t, names)
    go = lambda x, w=_LOW: _text(x, names, w)  # noqa: E731
    if op in ("var", "lit", "nth"):
        return str(t.val).split("#")[0] if op == "var" else str(t.val)
    if op == "num":
        return _wrap(str(t.val), _PRODUCT if t.val >= 0 else _SUM, want)  # type: ignore[operator]
    if op == "bound":
        return names[t.val] if t.val < len(names) else f"?{t.val}"  # type: ignore[index,operator]
    if op in ("add", "plus"):
        return _wrap(" + ".join(go(x, _SUM) for x in a).replace("+ -", "− "), _SUM, want)
    if op in ("mul", "dot", "scale"):
        return _wrap("·".join(go(x, _PRODUCT) for x in a), _PRODUCT, want)
    if op == "size":
        return go(a[0], want)
    if op == "c":
        return f"{t.val}({', '.join(go(x) for x in a[1:])})"
    if op == "ap":
        args = []
        while t.op == "ap":
            args.append(t.args[1])
            t = t.args[0]
        return f"{go(t, _ATOM)}({', '.join(go(x) for x in reversed(args))})"
    simple = {"T": "{}ᵀ", "minv": "{}⁻¹", "inv": "{}⁻¹", "unit": "e_{}"}
    if op in simple:
        return simple[op].format(go(a[0], _ATOM))
    if op in ("exp", "log", "tr"):
        return f"{op}({go(a[0])})"
    if op == "id":
        return "I"
    if op == "zero":
        return "0"
    if op == "delta":
        return f"[{go(a[0])} = {go(a[1])}]"
    if op == "eq":
        return _wrap(f"{go(a[0])} = {go(a[1])}", _LOW, want)
    if op == "le":
        return _wrap(f"{go(a[0])} ≤ {go(a[1])}", _LOW, want)
    if op == "not":
        if a[0].op == "le":
            return _wrap(f"{go(a[0].args[1])} < {go(a[0].args[0])}", _LOW, want)
        if a[0].op == "eq":
            return _wrap(f"{go(a[0].args[0])} ≠ {go(a[0].args[1])}", _LOW, want)
        return f"¬({go(a[0])})"
    if op in ("and", "or", "imp", "iff"):
        sign = {"and": " ∧ ", "or": " ∨ ", "imp": " ⟹ ", "iff": " ⟺ "}[op]
        return _wrap(sign.join(_formula(x, names) for x in a) or {"and": "true", "or": "false"}[op], _LOW, want)
    if op == "deriv":
        return f"HasDerivative({go(a[0])}, {go(a[1])}, {go(a[2])})"
    return _binder(t, names)


def _formula(t: Term, names: tuple[str, ...]) -> str:
    s = _text(t, names, _LOW)
    return f"({s})" if t.op in ("and", "or", "imp", "iff", "all", "ex") else s


def _binder(t: Term, names: tuple[str, ...]) -> str:
    op, a = t.op, t.args
    index = op in ("sum", "lse", "smax") or (op in ("all", "ex", "lam") and a[0].op == "Index")
    x = _fresh(t, names, index)
    inside = (x, *names)
    if op == "sum":
        return f"Σ_{x}<{_text(a[0], names, _ATOM)} {_text(a[1], inside, _PRODUCT)}"
    if op == "mean":
        return f"E_{x}~N({_text(a[0], names, _LOW)})[{_text(a[1], inside, _LOW)}]"
    if op in ("lse", "smax"):
        body = f"{_text(a[1], inside, _PRODUCT)}·exp({_text(a[2], inside, _LOW)})"
        return f"log Σ_{x} {body}" if op == "lse" else f"softmax_{_text(a[3], names, _ATOM)}({x}: {body})"
    sign = {"all": "∀", "ex": "∃", "lam": "λ"}[op]
    return f"{sign}{x}:{sort_text(a[0], names)}. {_text(a[1], inside, _LOW)}"
