"""The RunEngine of a lane: it ends with its lane, and validates what it records once for each form."""

from __future__ import annotations

from typing import Any

from bluesky import RunEngine

from autolab.campaign.forms import remember_forms

__all__ = ["LaneEngine"]


class LaneEngine(RunEngine):
    """Bluesky's RunEngine for a lane; see `autolab.campaign.forms` for how its documents are validated."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        remember_forms()
        super().__init__(*args, **kwargs)

    def close(self) -> None:
        """End the event loop and its thread, which Bluesky keeps for ever. Only of an engine with a loop of its own."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._th.join()
        self._loop.close()
