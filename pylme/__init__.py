"""Fit mixed-effects models with R's lme4, and know whether the answer is right.

Public names are loaded when they are first used: importing pylme starts no R.
"""

from importlib import import_module

import lazy_loader

# The function pylme.design() and the room pylme/design/ share a name. Python binds a room's name in
# its parent once, when it is first imported. Bound and taken away here, the name is free for the
# function, whatever is imported later, in whatever order.
# Its modules are had by `from pylme.design import spec`, not `import pylme.design.spec as s`,
# which looks the attribute up.
import_module(f"{__name__}.design")
del globals()["design"]

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
