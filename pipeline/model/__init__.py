"""The classifier: fitting, scores, labels, and why."""
