"""Subscripts and superscripts in sentences: where S_F, w_k and R^{d×r} have them, for pages and for LaTeX."""

from __future__ import annotations

import re

_SUPERSCRIPT = re.compile(r"\^(?:\{([^{}]+)\}|([A-Za-z0-9]+))")
_LETTER = r"(?:[^\W\d_]|∂)̄?"
# A letter and what stands under it: text in braces, an index or a word before the next letter, or the rest of the word.
_SUBSCRIPT = "|".join(
    (
        rf"{_LETTER}_(?:\{{[^{{}}<>]+\}}",
        r"(?:[ijkl]|\d+|in|out)(?=[A-Z])",
        r"[kl](?=[ab]n?(?![a-z]))",  # Σ_kb: Σ_k times b
        rf"(?:[ijkl\d]|[a-z]+(?=[^\W_a-z]))(?={_LETTER}_)",
        r"(?:[A-Za-z0-9]+|[α-ω])(?![A-Za-z0-9_]))",
    )
)
# A product of these, and not the end of a word such as MAX_SIZE or file_name.
_SUBSCRIPTS = re.compile(rf"(?<![a-z0-9_])(?<![A-Z]{{2}})(?:{_SUBSCRIPT})+")


def raised(text: str, begin: str, end: str) -> str:
    """Return the text with each superscript between `begin` and `end`.

    >>> raised("R^{d×r}, e^q", "<", ">")
    'R<d×r>, e<q>'
    """
    return _SUPERSCRIPT.sub(lambda found: f"{begin}{found[1] or found[2]}{end}", text)


def lowered(text: str, begin: str, end: str) -> str:
    """Return the text with each subscript, and each within it, between `begin` and `end`.

    >>> lowered("w_k of S_{V,F} in a_file_name", "<", ">")
    'w<k> of S<V,F> in a_file_name'
    """

    def one(item: re.Match[str]) -> str:
        letter, under = item[0].split("_", 1)
        return f"{letter}{begin}{lowered(under.strip('{}'), begin, end)}{end}"

    return _SUBSCRIPTS.sub(lambda product: re.sub(_SUBSCRIPT, one, product[0]), text)


def marked(text: str) -> str:
    """Return text that is HTML with its scripts in elements.

    >>> marked("S_F of R^{d×r}")
    'S<sub>F</sub> of R<sup>d×r</sup>'
    """
    return lowered(raised(text, "<sup>", "</sup>"), "<sub>", "</sub>")
