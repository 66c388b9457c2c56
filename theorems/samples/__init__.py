"""Statements about InfoNCE of finitely many pairs: its minimisers, and how far they are from the population's."""
