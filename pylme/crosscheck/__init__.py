"""The two engines compared: is the answer of lme4 right?"""
