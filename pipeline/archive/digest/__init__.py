"""Digests: what is new on each topic, to pass on as a page, a document, a table, a mail or a feed."""
