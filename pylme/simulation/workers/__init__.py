"""The work of a study, done by several processes."""
