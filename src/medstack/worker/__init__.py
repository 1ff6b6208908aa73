"""Runs jobs, and owns the sandbox untrusted files are parsed in."""
