"""A store of labelled articles: collect them, find and group them, pass them on."""
