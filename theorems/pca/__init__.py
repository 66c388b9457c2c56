"""Statements about PCA, and the scripts that prove them."""
