"""Data drawn from a model, models fitted to each draw, and what comes of it, summarised."""
