"""Proposers: what suggests the next trial, with an engine inside."""
