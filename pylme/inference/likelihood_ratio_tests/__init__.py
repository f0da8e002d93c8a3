"""Likelihood ratio tests of nested models, also where a variance is tested."""
