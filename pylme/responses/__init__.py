"""One model fitted to many responses: reading them in blocks, fitting them in batches, results."""
