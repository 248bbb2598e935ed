"""What is kept: corpus, models, runs, corrections, tables of answers."""
