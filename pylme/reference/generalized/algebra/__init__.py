"""What grouping factors ask of the random effects: sums, factors, and parts of the inverse."""
