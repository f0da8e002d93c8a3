"""Matrices many at a time, and sparse factors: arrays in, arrays out."""
