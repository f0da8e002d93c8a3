"""What is installed, whether it fits together, and the commands that mend it. Starts nothing."""
