"""The class of fitted models: it asks, keeps and hands on, and computes nothing itself."""

from pylme.fit.fit import Fit, from_json

__all__ = ["Fit", "from_json"]
