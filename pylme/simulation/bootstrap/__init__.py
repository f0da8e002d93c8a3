"""The parametric bootstrap."""
