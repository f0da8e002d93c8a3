"""Plots of parameters, what is estimated of them, and the search for them."""
