"""The figures: each module computes a record from exact models, and lays that record out for its SVG template."""
