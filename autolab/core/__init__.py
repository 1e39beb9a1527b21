"""Frozen values, the error tree, the clock, seeds and the protocols that every other room may use."""
