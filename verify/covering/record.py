"""Covers that prove statements, and certified maps: certificates on file, and what the kernel says of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from thmverify.covering.mappicture import draw_map
from thmverify.covering.proposal import Covering, Region
from thmverify.kernel.answer import report
from thmverify.kernel.claims import COVERS
from thmverify.kernel.covers import VerifiedCover, VerifiedRegion
from thmverify.kernel.covers.bisection import Box


@dataclass(frozen=True)
class CoverReport:
    """What the kernel says of a cover: whether it proves the claim on the whole set, and the boxes that settle it."""

    passed: bool
    reason: str
    boxes: int = 0
    lines: tuple[str, ...] = ()
    settled: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Cover:
    """The cover that proves a statement: the file of its certificate, and the set of instances, those of the statement.

    The set stands here apart from the certificate: one about fewer instances does not prove the statement.
    """

    certificate: Path
    claim: str
    region: Region

    @property
    def text(self) -> str:
        """What the kernel's claim says of every instance of a set."""
        return COVERS[self.claim]

    @property
    def checked(self) -> CoverReport:
        """What the kernel says, checked once a process."""
        if self not in _CHECKED:
            _CHECKED[self] = self._check()
        return _CHECKED[self]

    def _check(self) -> CoverReport:
        found, lines = report(str(self.certificate))
        if found is None:
            return CoverReport(False, f"{self.certificate.name}: {lines[-1]}")
        if not isinstance(found, VerifiedCover) or (found.claim, found.set) != (self.claim, self.region.kernel):
            return CoverReport(False, f"{self.certificate.name} is about something else: {lines[-1]}")
        reason = f"the kernel settled {found.settled:,} boxes, which cover {self.region.text}"
        return CoverReport(True, reason, found.settled, tuple(lines), found.boxes)

    @property
    def covering(self) -> Covering:
        """The boxes that the kernel settled, to be drawn."""
        found = self.checked
        return Covering(self.claim, self.region, found.settled, (), Fraction(int(found.passed)), 0.0, None)


@dataclass(frozen=True)
class Chart:
    """A certified map that ships: the file of its certificate, its claim, and what it shows, in words."""

    certificate: Path
    claim: str
    caption: str

    def check(self) -> ChartReport:
        """Return what the kernel says of every box of the map, which takes a while, and the picture of them."""
        found, lines = report(str(self.certificate))
        if found is None or not isinstance(found, VerifiedRegion) or found.claim != self.claim:
            return ChartReport(False, f"{self.certificate.name}: {lines[-1]}", "")
        axes = [(axis.name, axis.ends[0], axis.ends[1]) for axis in found.region.axes]
        verdicts = {piece.path: piece.verdict for piece in found.pieces}
        shares = f"proved on {float(found.proved):.1%} of the area and refuted on {float(found.refuted):.1%}"
        reason = f"the kernel settled {len(verdicts):,} boxes: {self.claim} is {shares}"
        return ChartReport(True, reason, draw_map(f"{self.claim}: {found.region.text}", axes, verdicts))


@dataclass(frozen=True)
class ChartReport:
    """What the kernel says of a map, and its picture as SVG."""

    passed: bool
    reason: str
    picture: str


_CHECKED: dict[Cover, CoverReport] = {}


def known(cover: Cover) -> CoverReport | None:
    """Return what this process has found, or None where it has not looked."""
    return _CHECKED.get(cover)


def remember(cover: Cover, found: CoverReport) -> None:
    """Take over what another process has found."""
    _CHECKED[cover] = found
