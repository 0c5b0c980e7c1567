"""Trainers: models made from the rows of a recipe."""
