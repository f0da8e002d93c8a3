"""Studies: of the user's own models, and the one that pylme grew from."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"question": ["sector_correlation"], "answer": ["SectorCorrelation"]}
)
