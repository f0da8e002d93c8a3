"""Generalized linear mixed models in NumPy: the criterion, its derivatives, and the search."""
