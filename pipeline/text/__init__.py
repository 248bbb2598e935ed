"""Texts to counted and weighted terms."""
