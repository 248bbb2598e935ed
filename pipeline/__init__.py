"""Label each paragraph of the news with the topics it addresses."""
