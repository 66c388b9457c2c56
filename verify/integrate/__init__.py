"""Expectations of log-sum-exp and softmax weights under Gaussian mixtures: float64, mpmath, and Arb enclosures."""
