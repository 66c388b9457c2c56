"""Margins to climb, one module for each family of claims: floats, for many instances at once.

A margin is positive where the claim looks violated and negative where it looks true. It proposes, and
`thmverify.certifying` decides. The functions are written in the array API's style: they compute where their arguments
live, on NumPy by default.
"""
