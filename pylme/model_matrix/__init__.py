"""A formula and a frame together: what is to be fitted, and whether it can be."""
