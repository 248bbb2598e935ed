"""Metrics, intervals, comparison, and what kinds of errors a model makes."""
