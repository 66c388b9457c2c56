"""The trusted kernel: it alone turns a certificate into a verdict, with python-flint and the standard library.

FORMAT.md says what a certificate is, PROOFS.md why the rules are right. To be read in the order parse, claims, linear,
models, integrals, enclosure, rules, check. Whatever is not accepted on the way is `Rejected`, with the reason.
"""

from verify.kernel.check import Verified, check
from verify.kernel.parse import Rejected

__all__ = ["Rejected", "Verified", "check"]
