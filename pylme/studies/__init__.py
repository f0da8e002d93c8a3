"""Studies: of the user's own models, and the one that pylme grew from."""
