"""Tests of the proof checker: normal forms against numbers, primitive rules both ways, traces that prove nothing."""
