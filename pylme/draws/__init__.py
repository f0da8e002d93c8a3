"""Random effects, errors and responses drawn from a model: arrays in, arrays out."""
