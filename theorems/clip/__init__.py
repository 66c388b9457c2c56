"""Statements about CLIP, and the scripts that prove them."""
