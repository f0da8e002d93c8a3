"""Simulation studies: draw data from a model, fit models to each draw, summarise the estimates."""
