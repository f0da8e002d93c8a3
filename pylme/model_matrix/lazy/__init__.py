"""The matrices of a model whose rows stay in the engine that holds them."""
