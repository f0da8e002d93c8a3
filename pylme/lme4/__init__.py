"""The R side: lme4 through rpy2. Importing this room starts no R."""
