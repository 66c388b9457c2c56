"""Statements about augmented pairs that share noise, and the script that proves one."""
