"""Statements about whitening, the linear loss of canonical correlations, and the script that proves one."""
