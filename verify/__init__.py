"""Exact models, population losses, minimisers and proof checking for theorems of machine-learning theory."""
