"""Messages about what a user hands in: data, tables, formulas, names, types."""
