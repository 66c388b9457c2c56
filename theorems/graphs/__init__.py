"""Statements about population graphs, and the scripts that prove them."""
