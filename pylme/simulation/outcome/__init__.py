"""What a study found, and its summary."""
