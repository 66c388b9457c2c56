"""Statements about SimSiam, and the scripts that prove them."""
