"""Statements about InfoNCE and CLIP when components have covariances of their own, and the scripts that prove them."""
