"""Bluesky plans and reducers."""
