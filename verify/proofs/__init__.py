"""Proof scripts: expressions, the rules of the kernel, lemmas derived from them, and the traces that scripts emit.

Nothing here is trusted: a script proposes, and `verify.kernel.proofs` replays its trace.
"""
