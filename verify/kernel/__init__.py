"""The trusted kernel: it alone turns a file into a verdict.

A certificate, about one instance, takes python-flint and the standard library; a proof, about every instance, the
standard library alone. FORMAT.md says what the files are, PROOFS.md why the rules are right. To be read in the order
strict, parse, claims, linear, models, integrals, enclosure, rules, formulas, covers, certificate; and proofs: terms,
tame, matching, ring, calculus, tautology, rules, replay. Whatever is not accepted on the way is `Rejected`, with the
reason.
"""

from typing import TYPE_CHECKING, Any

from thmverify.kernel.strict import Rejected

if TYPE_CHECKING:
    from thmverify.kernel.certificate import Verified, check

__all__ = ["Rejected", "Verified", "check"]


def __getattr__(name: str) -> Any:
    if name in ("Verified", "check"):  # loaded when asked for: proofs do without python-flint
        from thmverify.kernel import certificate

        return getattr(certificate, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
