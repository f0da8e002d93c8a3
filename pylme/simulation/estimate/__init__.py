"""Models fitted to the draws, and the numbers kept of each fit."""
