"""Plots of the rows of the data: residuals and predictions."""
