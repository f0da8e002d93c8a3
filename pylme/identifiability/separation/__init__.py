"""Fixed effects of counts and proportions that have no finite estimate."""
