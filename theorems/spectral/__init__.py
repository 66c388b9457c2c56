"""Statements about the spectral contrastive loss, and the scripts that prove them."""
