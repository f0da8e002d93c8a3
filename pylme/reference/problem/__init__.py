"""From the rows of a model to the sums that its criterion needs."""
