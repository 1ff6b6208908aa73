"""MedStack: a self-hosted vault for medical records and media."""

__version__ = "0.1.0"
