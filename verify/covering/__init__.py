"""Covers, proposed and checked: a claim about every instance of a set, by boxes of parameters.

Untrusted: what is proved is what the kernel says of the certificate. `propose` finds out how many boxes a set takes and
writes the certificate, `Cover` is one that proves a statement, `Chart` a certified map, and `picture` draws the boxes.
"""

from thmverify.covering.proposal import CLAIMS, Covering, Region, propose
from thmverify.covering.record import Chart, Cover, CoverReport, known, remember

__all__ = ["CLAIMS", "Chart", "Cover", "CoverReport", "Covering", "Region", "known", "propose", "remember"]
