"""Covariances of random effects by the levels of a factor: the formula, the table, the test.

Intervals and test come from the criterion of the fitted model, whichever engine fitted it.
"""
