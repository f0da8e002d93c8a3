"""The cross-check of generalized models: criterion at fixed parameters, certificate, searches."""
