"""Predictions over HTTP, and a page for people."""
