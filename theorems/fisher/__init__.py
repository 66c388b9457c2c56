"""Statements about the Fisher subspace and the discriminant, and the scripts that prove them."""
