"""Labs and campaigns as Python objects, for notebooks and scripts."""

from __future__ import annotations

from autolab.notebook.campaign import Best, Campaign
from autolab.notebook.lab import Lab

__all__ = ["Best", "Campaign", "Lab"]
