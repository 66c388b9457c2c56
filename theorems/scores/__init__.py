"""Statements about losses that are convex functions of scores, and the scripts that prove them."""
