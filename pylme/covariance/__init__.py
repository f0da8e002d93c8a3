"""Covariance matrices of random effects: parameters θ, factors T, matrices Σ = σ²TTᵀ, and names."""
