"""Which parameters of a model the data identify, and why the others are not identified."""
