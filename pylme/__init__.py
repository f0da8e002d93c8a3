"""Fit mixed-effects models with R's lme4, and know whether the answer is right.

Public names are loaded when they are first used: importing pylme starts no R.
"""

import sys
from importlib import import_module
from types import ModuleType

import lazy_loader

# The functions pylme.design() and pylme.study() share their names with rooms. Python binds the name
# of a room in its parent once, when it is first imported. Bound and taken away here, it is free for
# the function, whatever is imported later, in whatever order.
# Their modules are had by `from pylme.design import spec`, not `import pylme.design.spec as s`,
# which looks the attribute up.
for _room in ("design", "study"):
    import_module(f"{__name__}.{_room}")
    del globals()[_room]

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

# lazy_loader gives a package that shares such names a module class of its own, which no pickler
# takes for a module: a function that names pylme could not be sent to a worker process.
sys.modules[__name__].__class__ = ModuleType
