"""Proof scripts: expressions, the rules of the kernel, lemmas derived from them, and the traces that scripts emit.

Nothing here is trusted: a script proposes, and `thmverify.kernel.proofs` replays its trace.
"""
