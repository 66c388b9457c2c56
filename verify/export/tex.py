"""Sentences and exact numbers as LaTeX: symbols and scripts in a sentence are set as mathematics."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from fractions import Fraction

from thmverify.scripts import lowered, raised

_SYMBOLS = {
    "δ": r"\delta",
    "ε": r"\varepsilon",
    "η": r"\eta",
    "κ": r"\kappa",
    "λ": r"\lambda",
    "μ": r"\mu",
    "π": r"\pi",
    "ρ": r"\rho",
    "σ": r"\sigma",
    "τ": r"\tau",
    "φ": r"\varphi",
    "α": r"\alpha",
    "β": r"\beta",
    "γ": r"\gamma",
    "θ": r"\theta",
    "ξ": r"\xi",
    "ω": r"\omega",
    "ℓ": r"\ell",
    "Γ": r"\Gamma",
    "Δ": r"\Delta",
    "Λ": r"\Lambda",
    "Σ": r"\Sigma",
    "Φ": r"\Phi",
    "Ω": r"\Omega",
    "⊆": r"\subseteq",
    "⊇": r"\supseteq",
    "⊂": r"\subset",
    "×": r"\times",
    "≥": r"\geq",
    "≤": r"\leq",
    "=\u0338": r"\neq",  # ≠, taken apart
    "≻": r"\succ",
    "⪰": r"\succeq",
    "∈": r"\in",
    "∝": r"\propto",
    "∞": r"\infty",
    "∀": r"\forall",
    "∃": r"\exists",
    "∧": r"\wedge",
    "∨": r"\vee",
    "¬": r"\neg",
    "⟹": r"\Rightarrow",
    "⟺": r"\Leftrightarrow",
    "ℝ": r"\mathbb{R}",
    "ℕ": r"\mathbb{N}",
    "−": "-",
    "±": r"\pm",
    "·": r"\cdot",
    "√": r"\surd",
    "½": r"\tfrac12",
    "∂": r"\partial",
    "‖": r"\|",
    "↦": r"\mapsto",
    "→": r"\to",
    "∑": r"\sum",
    "<": "<",
    ">": ">",
    "|": "|",
}
_ACCENTS = {"\u0302": r"\hat", "\u0304": r"\bar", "\u0303": r"\tilde", "\u0338": r"\not"}
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵀⁿ", "0123456789-+Tn", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_TEXT = {"“": "``", "”": "''", "’": "'", "‘": "`", "–": "--", "—": "---", "…": r"\dots{}", "\u00a0": "~"}
_TEXT |= {c: f"\\{c}" for c in "#$%&_{}"} | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\^{}"}
_UP, _DOWN, _END = "\ue000", "\ue001", "\ue002"  # a superscript and a subscript begin, and end
_OPEN = {_UP: "^{", _DOWN: "_{"}
_RUNS = re.compile(f"[{''.join(_RAISED)}]+|[{''.join(_LOWERED)}]+")
_PIECES = re.compile(f".[{''.join(_ACCENTS)}]|.", re.DOTALL)


def text(sentence: str) -> str:
    r"""Return a sentence as LaTeX; a character that is in no table stays as it is.

    >>> text("Col(A*) ⊆ S_F for δ ≥ 50 %.")
    'Col(A*) $\\subseteq$ S$_{F}$ for $\\delta$ $\\geq$ 50 \\%.'
    """
    marked = lowered(raised(unicodedata.normalize("NFC", sentence), _UP, _END), _DOWN, _END)
    marked = _RUNS.sub(_script, unicodedata.normalize("NFD", marked))
    out, depth = "", 0
    for piece in _PIECES.findall(marked):
        if piece in _OPEN:
            out += _OPEN[piece] if depth else f"${_OPEN[piece]}"
            depth += 1
        elif piece == _END:
            depth -= 1
            out += "}" if depth else "}$"
        else:
            out += _piece(piece, inside=depth > 0)
    return unicodedata.normalize("NFC", out.replace("$$", ""))


def _script(run: re.Match[str]) -> str:
    """Return a run of raised or lowered characters as a script."""
    table, mark = (_RAISED, _UP) if run[0][0] in _RAISED else (_LOWERED, _DOWN)
    return f"{mark}{''.join(table[c] for c in run[0])}{_END}"


def _piece(piece: str, *, inside: bool) -> str:
    """Return a character, with its accent; `inside` of a script mathematics needs no dollars."""
    if piece in _SYMBOLS:
        found = _SYMBOLS[piece]
    elif len(piece) == 2:
        found = f"{_ACCENTS[piece[1]]}{{{_SYMBOLS.get(piece[0], piece[0])}}}"
    else:
        return _TEXT.get(piece, piece)
    return f"{found} " if inside else f"${found}$"


def number(value: str) -> str:
    r"""Return an exact number, the text of a rational.

    >>> number("-93/100"), number("2")
    ('-\\tfrac{93}{100}', '2')
    """
    exact = Fraction(value)
    if exact.denominator == 1:
        return str(exact.numerator)
    sign = "-" if exact < 0 else ""
    return rf"{sign}\tfrac{{{abs(exact.numerator)}}}{{{exact.denominator}}}"


def matrix(rows: Sequence[Sequence[str]]) -> str:
    """Return a matrix of exact numbers."""
    body = r" \\ ".join(" & ".join(number(x) for x in row) for row in rows)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"
