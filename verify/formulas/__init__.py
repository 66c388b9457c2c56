"""The vocabulary of proofs: what a loss, a predicate, a hypothesis means, each in one place."""
