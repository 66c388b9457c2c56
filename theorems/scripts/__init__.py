"""The proof scripts of the statements, one module each, named like the statement's module."""
