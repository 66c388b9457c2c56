"""Statements about InfoNCE, and the scripts that prove them."""
