"""Statements about InfoNCE when every component has a covariance of its own, and the scripts that prove them."""
