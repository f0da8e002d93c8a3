"""The search for the optimum of a generalized criterion, and what proves its end."""
