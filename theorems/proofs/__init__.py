"""Proof scripts, one for each proved statement: `prove()` emits the trace that the kernel replays."""
