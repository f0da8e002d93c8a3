"""The model that a formula and a frame specify, its matrices, and the checks before a fit."""
