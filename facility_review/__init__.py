"""The readiness assessment of a laboratory, from records only."""
