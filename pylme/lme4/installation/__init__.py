"""What is installed, whether it fits together, and the commands that fix it. Starts nothing."""
