"""Statements about SimCLR as it is used, with normalised features."""
