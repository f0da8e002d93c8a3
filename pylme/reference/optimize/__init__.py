"""The search for the optimum, and the proof that one has been found."""
