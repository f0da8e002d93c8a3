"""Covariances of random effects that differ by the levels of a factor: written, read, compared.

Above both engines: it looks once more at the criterion of a model that either has fitted.
"""
