"""What a formula specifies, in words, in symbols and as a table, and what the data identify.

Nothing is fitted here. This package does not have the name of its function, `pylme.explain`, so
that no import of the package can hide the function.
"""
