"""Messages of what is computed from a fit, and of many fits."""
