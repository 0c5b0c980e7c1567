"""Declarative dataset and evaluation engineering, with training."""

__version__ = "0.1.0"
