"""Labelling by people: tasks and annotations, what to label next, agreement, the way into labelled data."""
