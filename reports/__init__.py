"""The verification report: one self-contained page, its records as JSON, and its text as Markdown."""

from thmverify.reports.browser import print_pdf
from thmverify.reports.builder import build

__all__ = ["build", "print_pdf"]
