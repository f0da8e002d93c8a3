"""Responses drawn from a model."""
