"""The study that pylme grew from: its data, its models, and its answer in words."""
