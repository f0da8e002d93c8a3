"""R in a process of its own: a crash of R costs the fits that live there, and nothing else."""
