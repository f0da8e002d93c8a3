"""Predictions: means and new observations, with the random effects that the caller chooses."""
