"""A hot plate: its device class, its simulator, and a plan that uses it."""
