"""The profiled criterion of a linear mixed model, with one grouping factor and with several."""
