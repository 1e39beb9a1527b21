"""A real Jupyter kernel, and what a person sees of the cells that it runs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

PATIENCE_S = 120.0


@dataclass
class Cell:
    """What a cell gave."""

    status: str = ""
    html: list[str] = field(default_factory=list)
    """What it displayed, the newest state of each display."""
    drawn: list[str] = field(default_factory=list)
    """Each state of what changes while it runs."""
    text: str = ""
    traceback: list[str] = field(default_factory=list)


class Kernel:
    """Runs cells one after the other."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self._client = manager, client

    def run(self, source: str, seen: Callable[[str], None] = lambda _: None) -> Cell:
        """Run a cell to its end.

        Args:
            source: The cell.
            seen: Told of the HTML of each state of what changes.
        """
        cell = Cell()

        def note(message: dict[str, Any]) -> None:
            kind, content = message["header"]["msg_type"], message["content"]
            html = content.get("data", {}).get("text/html")
            if kind in ("display_data", "update_display_data") and html:
                cell.drawn.append(html)
                seen(html)
            elif kind == "execute_result":
                cell.html.extend([html] if html else [])
                cell.text += content["data"]["text/plain"]
            elif kind == "stream":
                cell.text += content["text"]
            elif kind == "error":
                cell.traceback = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in content["traceback"]]

        reply = self._client.execute_interactive(source, output_hook=note, allow_stdin=False, timeout=PATIENCE_S)
        cell.status = reply["content"]["status"]
        cell.html[:0] = cell.drawn[-1:]
        return cell


@contextmanager
def kernel(data: Path, repository: Path) -> Iterator[Kernel]:
    """A kernel of this environment, in the repository's folder, with a data folder of its own."""
    manager = KernelManager()
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager._kernel_spec = KernelSpec(argv=command, display_name="test", language="python")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EPICS_")}
    manager.start_kernel(
        cwd=str(repository),
        env={**clean, "AUTOLAB_DATA": str(data), "IPYTHONDIR": str(data.parent / "ipython")},
    )
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE_S)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)
        manager.cleanup_resources()
