"""Instances, maps and theories to try things with: `thmverify decide infonce-equality deficient`, from any folder."""
