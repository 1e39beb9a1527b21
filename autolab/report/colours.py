"""Colours of the marks in pictures, which are seen on light and on dark pages."""

from __future__ import annotations

__all__ = ["BEST", "MEASURED", "NEUTRAL", "PROBLEM", "RECOMMENDED"]

MEASURED = "#5b8def"
BEST = "#12946f"
PROBLEM = "#d9534f"
RECOMMENDED = "#e0a100"
NEUTRAL = "#8d99ab"
