"""Covers that prove statements: a certificate on file, the set that it has to be about, and what the kernel says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from thmverify.covering.proposal import Region
from thmverify.kernel.answer import report
from thmverify.kernel.claims import COVERS
from thmverify.kernel.covers import VerifiedCover


@dataclass(frozen=True)
class CoverReport:
    """What the kernel says of a cover: whether it proves the claim on the whole set, and how many boxes settle it."""

    passed: bool
    reason: str
    boxes: int = 0
    lines: tuple[str, ...] = ()


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
        boxes = found.settled
        return CoverReport(
            True, f"the kernel settled {boxes:,} boxes, which cover {self.region.text}", boxes, tuple(lines)
        )


_CHECKED: dict[Cover, CoverReport] = {}


def known(cover: Cover) -> CoverReport | None:
    """Return what this process has found, or None where it has not looked."""
    return _CHECKED.get(cover)


def remember(cover: Cover, found: CoverReport) -> None:
    """Take over what another process has found."""
    _CHECKED[cover] = found
