"""Plots of the levels of a grouping factor."""
