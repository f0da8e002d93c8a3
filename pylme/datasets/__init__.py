"""The data sets that ship with pylme: facts from the literature of mixed models, with source.

They are read by pandas alone, and equal the ones in R's lme4 and nlme cell by cell, with their
types, levels, and level orders.
"""

from pylme.datasets.description import ColumnDescription, Description, describe, names
from pylme.datasets.loading import load

__all__ = ["ColumnDescription", "Description", "describe", "load", "names"]
