"""Articles and tables of texts to predictions, and how they are written."""
