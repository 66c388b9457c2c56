"""Statements about InfoNCE with a key bias, and the script that proves one."""
