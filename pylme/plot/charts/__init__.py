"""The plots as Vega-Lite charts, made by altair: each takes what its twin on Axes takes."""
