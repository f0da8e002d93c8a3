"""The R side: lme4 through rpy2. Importing this package does not start R."""
