"""Labelled data, and documents to label."""
