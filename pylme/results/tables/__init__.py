"""What a fit shows of its results: the summary, the overview, tidy frames, models side by side."""
