"""Simulators: servers that speak the protocol of the instrument that they stand for."""
