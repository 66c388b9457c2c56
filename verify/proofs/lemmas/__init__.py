"""Lemmas: functions that derive lines by the rules of the kernel. Nothing here is trusted."""
