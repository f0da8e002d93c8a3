"""Covariances of random effects that differ by the levels of a factor: written, read, compared."""
