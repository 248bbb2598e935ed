"""Measure speed, memory and size beside scikit-learn and fastText; `make bench` runs it."""
