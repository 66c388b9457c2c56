"""The verification report: one self-contained page, its records as JSON, and its text as Markdown."""

from reports.browser import print_pdf
from reports.builder import build

__all__ = ["build", "print_pdf"]
