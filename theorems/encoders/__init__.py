"""Statements about InfoNCE over affine maps and over larger classes of encoders, and the scripts that prove them."""
