"""Threads that ask devices."""

from __future__ import annotations

import sys

__all__ = ["join_channel_access"]


def join_channel_access() -> None:
    """Let this thread use the channels of the process; nothing where EPICS is not used."""
    if "epics" in sys.modules:
        from epics import ca

        ca.use_initial_context()
