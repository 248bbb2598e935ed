"""What a model is worth, as tables, plots, Markdown and HTML."""
