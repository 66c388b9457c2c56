"""Proof of gd-descent: with g = Hx, f(x − sg) = f(x) − s gᵀg + ½s² gᵀHg, and gᵀHg ≤ L gᵀg since H ⪯ L·I."""

from thmverify.proofs.expressions import Col, Mat, Real, Size, eq, eye, psd, tr, var
from thmverify.proofs.lemmas.basic import square_nonnegative, times
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Script

d, L, s = var("d", Size), var("L", Real), var("s", Real)
H, x = var("H", Mat(d, d)), var("x", Col(d))
HYPOTHESES = {"below": psd(L * eye(d) - H)}


def prove() -> Proposal:
    """gd-descent."""
    script = Script("gd-descent")
    balanced, smooth = script.parts(script.assume(HYPOTHESES["below"]))
    symmetric = script.step("symmetric", "H is symmetric, since L·I − H is.", script.lin(eq(H.T, H), [balanced]))
    g = H @ x
    smooth = script.step("smooth", "gᵀHg ≤ L gᵀg: this is H ⪯ L·I at g = Hx.", script.spec(smooth, g))
    y = x - s * g
    claim = tr(y.T @ H @ y) / 2 <= tr(x.T @ H @ x) / 2 - s * (1 - s * L / 2) * tr(g.T @ g)
    line = times(script, square_nonnegative(script, s), smooth, claim, symmetric)
    script.step("descent", "f(y) = f(x) − s gᵀg + ½s² gᵀHg, and s² ≥ 0.", line)
    return script.qed(line, HYPOTHESES)
