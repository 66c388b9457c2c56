"""Terms as one line of text, for messages and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thmverify.kernel.proofs.terms import Term

_NAMES = "xyzuvst"
_USUAL = ("w", "mu", "Sigma", "delta", "eta", "mu_V", "mu_T", "Sigma_V", "Sigma_T")  # a model's own letters
_LOW, _SUM, _PRODUCT, _ATOM = 0, 1, 2, 3
MAX_DEPTH, MAX_LENGTH = 40, 20000


def text(t: Term, brief: bool = False) -> str:
    """Return a term as text; when `brief`, defined names are written without sizes and the model's own letters."""
    whole = _Printer(t, brief).text(t, (), _LOW)
    return whole if len(whole) <= MAX_LENGTH else f"{whole[:MAX_LENGTH]}…"


def _names_in(t: Term) -> set[str]:
    """Return the names of variables and definitions in a term: those that no bound variable may have."""
    found, seen, todo = {str(v.val).split("#")[0] for v in t.free}, {t}, [t]
    while todo:
        x = todo.pop()
        if x.op == "c":
            found.add(str(x.val))
        todo += [a for a in x.args if a not in seen]
        seen.update(x.args)
    return found


def _wrap(s: str, level: int, wanted: int) -> str:
    return f"({s})" if level < wanted else s


class _Printer:
    def __init__(self, whole: Term, brief: bool) -> None:
        self.brief, self.taken = brief, _names_in(whole)
        self.left = 4 * MAX_LENGTH  # nodes: a term that shares its parts can be much longer than it is large

    def sort(self, t: Term, names: tuple[str, ...]) -> str:
        if t.op == "Mat":
            return "×".join(self.text(a, names, _ATOM) for a in t.args)
        if t.op == "Index":
            return f"<{self.text(t.args[0], names, _ATOM)}"
        if t.op == "Fun":
            first = self.sort(t.args[0], names)
            return f"{_wrap(first, _LOW if t.args[0].op == 'Fun' else _ATOM, _ATOM)} → {self.sort(t.args[1], names)}"
        return {"Real": "ℝ", "Size": "ℕ", "Prop": "formula"}.get(t.op, t.op)

    def text(self, t: Term, names: tuple[str, ...], want: int) -> str:  # noqa: PLR0912 (a case for each operation)
        self.left -= 1
        if len(names) > MAX_DEPTH or self.left < 0:
            return "…"
        op, a = t.op, t.args
        if t.sort is None:
            return self.sort(t, names)
        if op in ("var", "lit", "nth"):
            return str(t.val).split("#")[0] if self.brief else str(t.val)
        if op == "num":
            return _wrap(str(t.val), _ATOM if str(t.val).isdigit() else _SUM, want)
        if op in ("bound", "slot"):
            known = op == "bound" and int(str(t.val)) < len(names)
            return names[int(str(t.val))] if known else f"?{t.val}"
        if op in ("add", "plus"):
            return _wrap(self._added(t, names), _SUM, want)
        if op in ("mul", "dot", "scale"):
            return self._product(t, names, want)
        if op == "size":
            return self.text(a[0], names, want)
        if op == "c":
            return self._defined(t, names)
        if op == "ap":
            return self._applied(t, names)
        if op in ("T", "minv", "inv", "unit"):
            return {"T": "{}ᵀ", "minv": "{}⁻¹", "inv": "{}⁻¹", "unit": "e_{}"}[op].format(self.text(a[0], names, _ATOM))
        if op in ("exp", "log", "tr", "moderate"):
            return f"{op.replace('mod', 'Mod')}({self.text(a[0], names, _LOW)})"
        if op in ("id", "zero"):
            letter = "I" if op == "id" else "0"
            return letter if self.brief else f"{letter}({', '.join(self.text(x, names, _LOW) for x in a)})"
        if op == "delta":
            return f"[{self.text(a[0], names, _LOW)} = {self.text(a[1], names, _LOW)}]"
        if op in ("eq", "le", "not", "and", "or", "imp", "iff", "deriv"):
            return self._formula(t, names, want)
        return self._binder(t, names, want)

    def _added(self, t: Term, names: tuple[str, ...]) -> str:
        whole = ""
        for x in t.args:
            part = self.text(x, names, _SUM)
            sign = " − " if part.startswith("−") else " + "
            whole += part if not whole else sign + part.removeprefix("−")
        return whole

    def _product(self, t: Term, names: tuple[str, ...], want: int) -> str:
        parts, sign = list(t.args), ""
        while len(parts) > 1 and parts[0].op == "num" and parts[0].val == -1:
            parts, sign = parts[1:], "" if sign else "−"
        whole = "·".join(self.text(x, names, _PRODUCT) for x in parts)
        return _wrap(sign + whole, _SUM if sign else _PRODUCT, want)

    def _defined(self, t: Term, names: tuple[str, ...]) -> str:
        shown = [x for x in t.args[1:] if not (self.brief and _is_usual(x))]
        inner = ", ".join(self.text(x, names, _LOW) for x in shown)
        return f"{t.val}({inner})" if inner or not self.brief else str(t.val)

    def _applied(self, t: Term, names: tuple[str, ...]) -> str:
        args = []
        while t.op == "ap":
            args.append(t.args[1])
            t = t.args[0]
        inner = ", ".join(self.text(x, names, _LOW) for x in reversed(args))
        return f"{self.text(t, names, _ATOM)}({inner})"

    def _formula(self, t: Term, names: tuple[str, ...], want: int) -> str:
        op, a = t.op, t.args
        low = [self.text(x, names, _LOW) for x in a] if op in ("eq", "le", "deriv") else []
        if op in ("eq", "le"):
            return f"{low[0]} {'=' if op == 'eq' else '≤'} {low[1]}"
        if op == "deriv":
            return f"HasDerivative({', '.join(low)})"
        if op == "not":
            if a[0].op not in ("le", "eq"):
                return f"¬({self.text(a[0], names, _LOW)})"
            x, y = a[0].args if a[0].op == "eq" else a[0].args[::-1]
            return f"{self.text(x, names, _LOW)} {'≠' if a[0].op == 'eq' else '<'} {self.text(y, names, _LOW)}"
        if not a:
            return {"and": "true", "or": "false"}[op]
        sign = {"and": " ∧ ", "or": " ∨ ", "imp": " ⟹ ", "iff": " ⟺ "}[op]
        return _wrap(sign.join(self._part(x, names) for x in a), _LOW, want)

    def _part(self, t: Term, names: tuple[str, ...]) -> str:
        inner = self.text(t, names, _LOW)
        return f"({inner})" if t.op in ("and", "or", "imp", "iff", "all", "ex") else inner

    def _binder(self, t: Term, names: tuple[str, ...], want: int) -> str:
        op, a = t.op, t.args
        index = op in ("sum", "lse", "smax") or (op in ("all", "ex", "lam") and a[0].op == "Index")
        x = self._fresh(names, index)
        inside = (x, *names)
        if op == "sum":
            return _wrap(f"Σ_{x}<{self.text(a[0], names, _ATOM)} {self.text(a[1], inside, _PRODUCT)}", _SUM, want)
        if op == "mean":
            mean = f"E[{x} ~ N({self.text(a[0], names, _LOW)})] ({self.text(a[1], inside, _LOW)})"
            return _wrap(mean, _PRODUCT, want)
        if op in ("lse", "smax"):
            size = self.text(a[0], names, _ATOM)
            body = f"{self.text(a[1], inside, _PRODUCT)}·exp({self.text(a[2], inside, _LOW)})"
            whole = f"log Σ_{x}<{size} {body}"
            if op == "lse":
                return _wrap(whole, _SUM, want)
            return f"softmax_{self.text(a[3], names, _ATOM)}({x}<{size}: {body})"
        sign = {"all": "∀", "ex": "∃", "lam": "λ"}[op]
        return f"{sign}{x}:{self.sort(a[0], names)}. {self.text(a[1], inside, _LOW)}"

    def _fresh(self, names: tuple[str, ...], index: bool) -> str:
        pool = "klij" if index else _NAMES
        for i in range(10**6):
            name = pool[i % len(pool)] + ("" if i < len(pool) else str(i // len(pool)))
            if name not in names and name not in self.taken:
                return name
        return "?"


def _is_usual(x: Term) -> bool:
    return x.sort is not None and (x.sort.op == "Size" or (x.op == "var" and x.val in _USUAL))
