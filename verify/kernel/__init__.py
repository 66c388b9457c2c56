"""The trusted kernel: it alone turns a certificate into a verdict.

It imports python-flint and the standard library, nothing else of the package. PROOFS.md says why it is right, in the
order of the code:

    FORMAT.md     what a certificate is
    parse.py      bytes → strict canonical JSON → fields, sizes bounded before any work
    claims.py     what each claim says, and the hash of what it says
    linear.py     exact and ball linear algebra
    models.py     the instance, rebuilt from its rationals
    integrals.py  Gaussian integrals of softmax weights, with a proven error bound
    enclosure.py  a global minimiser enclosed by its optimality conditions, and the bounds on its rank
    rules/        what each rule makes of an instance and its hints
    check.py      one certificate, one answer

Whatever is not accepted on the way is `Rejected`, with the reason.
"""

from verify.kernel.check import Verified, check
from verify.kernel.parse import Rejected

__all__ = ["Rejected", "Verified", "check"]
