"""Statements about Barlow Twins of linear maps."""
