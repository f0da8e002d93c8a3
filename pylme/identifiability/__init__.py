"""Which parameters of a model the data can tell apart, and for the others why not."""
