"""Marginal means and slopes on a reference grid, contrasts of them, and their families of tests."""
