"""Views of a running campaign: lines for a log, a live panel for a terminal, silence for a program."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from autolab.campaign.events import (
    BypassesChanged,
    CampaignEvent,
    CampaignStarted,
    Noted,
    TrialEnded,
    TrialStarted,
)
from autolab.cli.output import tell
from autolab.cli.progress import Progress
from autolab.core.trials import Realm
from autolab.report.numbers import duration_text, recipe

__all__ = ["LineView", "LiveView", "SilentView", "View"]


class View(ABC):
    """Watches a campaign and shows how it goes. Used in a ``with`` block.

    Args:
        progress: Keeps what the events say.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def notify(self, event: CampaignEvent) -> None:
        """Take note of an event, and show it."""
        self.progress.note(event)
        self.show(event)

    @abstractmethod
    def show(self, event: CampaignEvent) -> None:
        """Show an event that has been noted."""

    @abstractmethod
    def stopping(self, at_once: bool) -> None:
        """Say that a stop was asked for. Called from a signal handler: it must neither lock nor buffer."""

    @abstractmethod
    def __enter__(self) -> View: ...

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class SilentView(View):
    """Shows nothing but that a stop was asked for."""

    def show(self, event: CampaignEvent) -> None:
        """Show nothing."""

    def stopping(self, at_once: bool) -> None:
        _write_now(self.progress.stopping_text(at_once))

    def __enter__(self) -> View:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class LineView(SilentView):
    """One line for what happens, readable in a log."""

    def show(self, event: CampaignEvent) -> None:
        match event:
            case CampaignStarted():
                hours = f" or {event.budget_hours:g} h" if event.budget_hours is not None else ""
                tell(
                    f"{event.campaign}: {_realm_text(event.realm)}, lab {event.lab}, engine {event.engine}, "
                    f"seed {event.seed}, at most {event.budget_trials} trials{hours}"
                )
                for rule in event.problem.avoided:
                    tell(f"rule: {rule}")
                for rule in event.problem.lapsed:
                    tell(f"rule that has expired, and is not applied: {rule}")
                for source in event.problem.earlier:
                    tell(f"earlier data: {source}")
            case TrialStarted():
                tell(f"trial {event.suggestion.trial}: {_values_text(self.progress, event)}; {event.suggestion.reason}")
            case Noted():
                tell(f"Note: {event.text}.")
            case BypassesChanged(bypasses):
                for text in bypasses:
                    tell(f"BYPASSED: {text}")
                if not bypasses:
                    tell("No interlock is bypassed any more.")
            case TrialEnded(state="abandoned"):
                tell(f"trial {event.trial}: {self.progress.outcome_text(event)}")
            case TrialEnded():
                tell(f"trial {event.trial}: {self.progress.outcome_text(event)}; best so far: {self._standing()}")
            case _:
                pass

    def _standing(self) -> str:
        start, left = self.progress.start, self.progress.left_s
        total = start.budget_trials if start else 0
        time_left = "" if left is None else f", about {duration_text(left)} left"
        bypassed = "".join(f"; BYPASSED: {text}" for text in self.progress.bypasses)
        return f"{self.progress.best_text()}; {self.progress.done} of {total} trials{time_left}{bypassed}"


class LiveView(View):
    """A panel that is drawn anew four times a second, on a terminal.

    Args:
        progress: Keeps what the events say.
        console: Where to draw; standard error by default.
    """

    def __init__(self, progress: Progress, console: Console | None = None) -> None:
        super().__init__(progress)
        self._notice = ""
        self._live = Live(
            console=console or Console(stderr=True),
            get_renderable=self.render,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def show(self, event: CampaignEvent) -> None:
        """Nothing at once: the panel is drawn at its own pace."""
        if isinstance(event, Noted):
            self._notice = f"Note: {event.text}."

    def stopping(self, at_once: bool) -> None:
        self._notice = self.progress.stopping_text(at_once)

    def __enter__(self) -> View:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        if self._notice:
            tell(self._notice)

    def render(self) -> RenderableType:
        """The panel as it stands now."""
        progress = self.progress
        with progress.lock:
            start = progress.start
            if start is None:
                return Text(self._notice or f"Opening the lab … {duration_text(progress.elapsed_s)}")
            simulated = start.realm is not Realm.PHYSICAL
            rows: list[RenderableType] = [self._bar(start), Text(f"best so far: {progress.best_text()}", style="bold")]
            rows += [Text(f"BYPASSED: {text}", style="bold white on red") for text in progress.bypasses]
            rows += [self._running(), self._ended()]
            if self._notice:
                rows.append(Text(self._notice, style="bold yellow"))
            title = Text.assemble(
                (f" {_realm_text(start.realm)} ", "black on yellow" if simulated else "white on blue"),
                f" {start.name} · {start.lab} · engine {start.engine} · seed {start.seed} ",
            )
            return Panel(Group(*rows), title=title, title_align="left", border_style="yellow" if simulated else "blue")

    def _bar(self, start: CampaignStarted) -> RenderableType:
        progress, left = self.progress, self.progress.left_s
        time_left = "" if left is None else f" · about {duration_text(left)} left"
        table = Table.grid(padding=(0, 1))
        table.add_row(
            ProgressBar(total=start.budget_trials, completed=progress.done, width=30),
            f"{progress.done} of {start.budget_trials} trials · {duration_text(progress.elapsed_s)}{time_left}",
        )
        return table

    def _running(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        for lane, running in sorted(self.progress.running.items()):
            where = f"lane {lane}: " if len(self.progress.running) > 1 else ""
            table.add_row(Text(f"{where}trial {running.suggestion.trial}"), Text(running.phase, style="cyan"))
            table.add_row("", Text(f"why: {running.suggestion.reason}", style="dim"))
        return table

    def _ended(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        for event in reversed(self.progress.ended):
            style = "" if event.outcome is not None else "red"
            table.add_row(f"trial {event.trial}", Text(self.progress.outcome_text(event), style=style))
        return table


def _realm_text(realm: Realm) -> str:
    return str(realm).upper()


def _values_text(progress: Progress, event: TrialStarted) -> str:
    if progress.start is None:
        return ""
    return ", ".join(f"{name} {text}" for name, text in recipe(progress.start.problem.space, event.suggestion.values))


def _write_now(text: str) -> None:
    """Write past all buffers, as only that is safe inside a signal handler."""
    try:
        os.write(2, f"{text}\n".encode(errors="replace"))
    except OSError:
        return
