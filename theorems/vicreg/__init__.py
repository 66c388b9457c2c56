"""Statements about VICReg of linear maps."""
