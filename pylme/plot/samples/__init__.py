"""Plots of many fits: of many responses, and of the replicates of a study."""
