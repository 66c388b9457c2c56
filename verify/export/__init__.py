"""Certificates written out for other proof checkers: untrusted, what is written is checked there."""
