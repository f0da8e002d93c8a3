"""The variables of a formula, evaluated over the columns of a frame without R."""
