"""Answers held against labels: figures, intervals, comparisons, counts."""
