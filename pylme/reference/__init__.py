"""The independent fitter: linear mixed models in NumPy and SciPy alone, without R."""
