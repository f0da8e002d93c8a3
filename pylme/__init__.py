"""Fit mixed-effects models with R's lme4, and know whether the answer is right.

Public names are loaded when they are first used: importing pylme starts no R.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
