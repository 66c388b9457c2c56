"""Statements and certificates written out, for test suites, articles and Coq: untrusted, checked where they go."""
