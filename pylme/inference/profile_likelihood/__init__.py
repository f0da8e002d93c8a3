"""Profile likelihood: the criterion with one parameter fixed, minimised over all others."""
