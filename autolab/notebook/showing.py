"""Shows how a campaign stands while it runs: a picture that changes in a notebook, nothing elsewhere."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from autolab.core.clock import Clock, real_clock

if TYPE_CHECKING:
    from autolab.notebook.campaign import Campaign
    from autolab.notebook.controller import Controller

__all__ = ["View", "view_of"]

_log = logging.getLogger(__name__)
PICTURE_REAL_S = 0.5
"""Real seconds between two pictures."""


class View:
    """Tells a person at a terminal what he has to know. The base of what a notebook shows."""

    def look(self, controller: Controller, *, is_last: bool = False) -> None:
        """Show how the campaign stands."""

    def say(self, text: str) -> None:
        """Tell something."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


class NotebookView(View):
    """A picture that is drawn again where it stands. What goes wrong with it never reaches the campaign.

    Args:
        campaign: What to show.
        clock: Says when the next picture is due.
    """

    def __init__(self, campaign: Campaign, clock: Clock | None = None) -> None:
        self._campaign = campaign
        self._clock = clock or real_clock()
        self._handle: Any = None
        self._shown: tuple[Any, ...] = ()
        self._due_s = 0.0
        self._is_broken = False

    def look(self, controller: Controller, *, is_last: bool = False) -> None:
        self._campaign.id = controller.campaign or self._campaign.id
        shows = (controller.n_told, controller.phase, is_last)
        if controller.campaign is None or self._is_broken or shows == self._shown:
            return
        if self._clock.real() < self._due_s and not is_last:
            return
        self._shown, self._due_s = shows, self._clock.real() + PICTURE_REAL_S
        try:
            self._draw("" if is_last else controller.phase)
        except Exception:  # noqa: BLE001 (a picture cannot change what a campaign does)
            _log.exception("the picture of %s cannot be drawn, and is not tried again", controller.campaign)
            self._is_broken = True

    def _draw(self, now: str) -> None:
        from IPython.display import HTML, display

        picture = HTML(self._campaign.html(now))
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)


def view_of(campaign: Campaign) -> View:
    """What suits the place where this runs."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return NotebookView(campaign) if hasattr(shell, "kernel") else View()
