"""How good a fitted model is: explained variance, influence of groups, residuals by simulation."""
