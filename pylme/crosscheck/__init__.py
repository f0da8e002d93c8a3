"""The two engines compared: whether the answer of lme4 is right."""
