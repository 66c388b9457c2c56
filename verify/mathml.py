"""LaTeX to MathML that is safe to put in a page.

`latex2mathml` copies text into its output unescaped and passes unknown commands through, so its element tree is
checked against the MathML that we use, and only then written out.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import pairwise, zip_longest
from xml.etree.ElementTree import Element, tostring

_THIN, _THICK, _GAP = "0.167em", "0.278em", "2em"
_LONG = 36  # characters of a piece that a narrow screen has no room for
_BREAKS = set("=≠<>≤≥≺≻⪯⪰⊆⊂∈∼⇒⟹⇔⟺∧∨+−")
_OPENING, _CLOSING = set("([{"), set(")]}")
_LEAVES = {"mi", "mn", "mo", "mtext", "mspace"}
_FREE = {"math", "mrow", "mtable", "mtr", "mtd", "mpadded", "mphantom", "mstyle", "msqrt"}
_ARGUMENTS = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}
_ATTRIBUTES = {
    "columnalign",
    "display",
    "fence",
    "form",
    "linethickness",
    "mathvariant",
    "scriptlevel",
    "stretchy",
    "xmlns",
}
_ATTRIBUTES |= {
    "accent",
    "accentunder",
    "depth",
    "displaystyle",
    "height",
    "lspace",
    "maxsize",
    "minsize",
    "movablelimits",
}
_ATTRIBUTES |= {"columnspacing", "rowspacing", "rspace", "separator", "symmetric", "voffset", "width"}


class FormulaError(ValueError):
    """LaTeX that cannot be typeset: the formula and what is wrong with it."""


@cache
def formula(latex: str, *, display: bool = False) -> str:
    """Return `latex` as MathML, every character of its text escaped.

    Browsers do not break the lines of a formula: in display style it becomes several `<math>` elements, cut before its
    outermost relations, connectives and signs, and after a wide space, so that a long one wraps where a reader would;
    what is too long for a line all the same, within its brackets.

    Raises FormulaError when the formula has a command that is not known, a construct without its arguments, or
    anything that is not plain presentation MathML.
    """
    from latex2mathml.converter import convert_to_element  # a page needs it, a hypothesis that is decided does not

    try:
        root = convert_to_element(latex, display="block" if display else "inline")
    except Exception as error:  # the parser raises its own errors, IndexError and StopIteration alike
        raise FormulaError(f"{latex!r}: {type(error).__name__}") from error
    _check(root, latex)
    if not display:
        return tostring(root, encoding="unicode")
    return " ".join(tostring(piece, encoding="unicode") for piece in _pieces(root))


def _pieces(root: Element) -> list[Element]:
    """Return the formula cut where a line may end; a piece that is too long is cut inside its brackets as well."""
    row = root
    while len(row) == 1 and row[0].tag in ("mrow", "mstyle") and not _is_fenced(row[0]):
        row = row[0]
    pieces = []
    for group in _cut([*row]):
        piece = Element("math", root.attrib)
        piece.extend(group)
        pieces.append(piece)
    return pieces


def _cut(row: list[Element]) -> list[list[Element]]:
    """Return the row cut before each operator of _BREAKS that stands outside all brackets and has a left side.

    A wide space between two formulas ends a piece as well. The brackets of a piece that is too long are opened.
    """
    groups: list[list[Element]] = [[]]
    depth, after_operator = 0, True
    for child, following in zip_longest(row, row[1:]):
        text = (child.text or "") if child.tag == "mo" else ""
        defines = text == ":" and following is not None and following.tag == "mo" and following.text in _BREAKS  # :=
        if (text in _BREAKS or defines) and depth == 0 and not after_operator:
            groups.append([])
            child.set("form", "infix")
        if not child.get("fence"):  # one that is a child of the row has been opened
            depth += (text in _OPENING) - (text in _CLOSING)
        after_operator = text in _BREAKS or defines or (text in _OPENING and bool(child.get("fence")))
        groups[-1].append(child)
        ends = child.tag == "mspace" and (child.get("width") == _GAP or (groups[-1] and _is_colon(groups[-1][-2:-1])))
        if ends and depth == 0:  # between two formulas, and after a quantifier
            groups.append([])
            after_operator = True
    found = []
    for group in filter(None, groups):
        opened = _opened(group) if _width(group) > _LONG else group
        found += [group] if len(opened) == len(group) else _cut(opened)
    return found


def _opened(group: list[Element]) -> list[Element]:
    """Return the row with its outermost long brackets and what they hold as its own children."""
    row: list[Element] = []
    for child in group:
        if child.tag == "mrow" and _is_fenced(child) and _width([child]) > _LONG // 3:
            for bracket in (child[0], child[-1]):
                bracket.set("stretchy", "false")  # the two may come to stand on different lines
            row += child
        else:
            row.append(child)
    return row


def _is_colon(row: list[Element]) -> bool:
    return bool(row) and row[0].tag == "mo" and row[0].text == ":"


def _is_fenced(row: Element) -> bool:
    return len(row) > 2 and row[0].get("fence") == "true" and row[0].text in _OPENING


def _width(row: Iterable[Element]) -> int:
    """Return about how many characters wide a row is."""
    return sum(len(leaf.text or "") for child in row for leaf in child.iter())


def _check(element: Element, latex: str) -> None:
    tag, count = element.tag, len(element)
    if tag in _LEAVES:
        element.text = html.unescape(element.text or "")
        if count or "\\" in element.text:
            raise FormulaError(f"{latex!r}: {element.text!r} is not a known command")
        if tag == "mi" and (
            element.text == ":" or _is_relation(element.text)
        ):  # \\succeq and others, set without space
            element.tag = "mo"
    elif tag not in _FREE and _ARGUMENTS.get(tag) != count:
        raise FormulaError(f"{latex!r}: <{tag}> with {count} arguments")
    unknown = set(element.attrib) - _ATTRIBUTES
    if unknown:
        raise FormulaError(f"{latex!r}: attribute {', '.join(sorted(unknown))}")
    for child in element:
        _check(child, latex)
    _space_colons(element)
    _space_functions(element)
    _space_signs(element)


def _space_functions(row: Element) -> None:
    """Set names such as log and tr as operators with a thin space around them, none before a bracket."""
    for child, following in zip_longest(row, row[1:]):
        if child.tag in ("mi", "mo") and len(child.text or "") > 1 and (child.text or "").isalpha():
            before_bracket = following is not None and next(following.iter("mo"), following).text in ("(", "[", "{")
            child.tag = "mo"
            child.attrib |= {"lspace": _THIN, "rspace": "0" if before_bracket else _THIN}


def _space_signs(row: Element) -> None:
    """Set a sign that follows an operator or an opening bracket close to its number."""
    for previous, child in pairwise([None, *row]):
        follows = previous is None or (previous.tag == "mo" and (previous.text or "") in _BREAKS | _OPENING)
        if follows and child is not None and child.tag == "mo" and child.text in ("+", "−"):
            child.set("form", "prefix")


def _space_colons(row: Element) -> None:
    """Set a colon close to what is before it, and to the sign of a definition after it."""
    for child, following in zip_longest(row, row[1:]):
        if child.tag == "mo" and child.text == ":":
            defines = following is not None and following.tag == "mo" and following.text in _BREAKS
            child.attrib |= {"lspace": _THICK if defines else "0", "rspace": "0" if defines else _THIN}
            if defines and following is not None:
                following.set("lspace", "0")


def _is_relation(text: str) -> bool:
    return len(text) == 1 and unicodedata.category(text) == "Sm" and text not in "∞∂∇"
