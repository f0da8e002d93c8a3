"""The tiers of the cross-check: each compares one kind of quantity from both sides."""
