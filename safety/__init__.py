"""The envelope and the guard that keeps every write inside it."""
