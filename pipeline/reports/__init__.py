"""What a model is worth, as pages, tables and plots."""
