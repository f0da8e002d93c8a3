"""The independent fitter: linear mixed models in NumPy and SciPy alone, without R."""

from pylme.reference.many import ManyFits, fit_many

__all__ = ["ManyFits", "fit_many"]
