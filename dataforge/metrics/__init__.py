"""Metrics: what is measured of a model on the rows of a split."""
