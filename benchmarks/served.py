"""A server as people start it, in a process of its own, with the accounts that a benchmark needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from autolab.core.clock import real_clock
from autolab.core.roles import Role
from autolab.server.serving import opened
from autolab.server.settings import Settings
from tests.cli.running import clean_environment
from tests.compose.files import free_port
from tests.server.house import Client, add_account

__all__ = ["a_browser", "served", "signed_in"]


@contextmanager
def served(lab: Path, data: Path, people: Sequence[tuple[str, Role]]) -> Iterator[tuple[int, str]]:
    """``autolab serve`` until the block ends. Gives its process id and its address.

    Args:
        lab: The lab file.
        data: The data folder.
        people: Accounts that are made where they are missing, each with its role.
    """
    with opened(Settings(lab, data), real_clock()) as context:
        for name, role in people:
            if name not in [entry.name for entry in context.accounts.all()]:
                add_account(context, name, role, Role.ADMINISTRATOR)
    port = free_port()
    words = ["serve", str(lab), "--port", str(port), "--data", str(data), "--simulate"]
    command = [sys.executable, "-m", "autolab.cli", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=clean_environment())
    try:
        said = process.stderr.readline() if process.stderr is not None else ""
        if "campaigns go on" not in said:
            raise RuntimeError(f"the server does not start: {said}")
        yield process.pid, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def signed_in(address: str, people: Sequence[tuple[str, Role]]) -> list[Client]:
    """A client of each of them."""
    return [Client(address).sign_in(name) for name, _ in people]


@contextmanager
def a_browser(chromium: Any) -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    found = next(path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name)))
    browser = chromium.launch(executable_path=found, args=["--no-sandbox"])
    try:
        yield browser
    finally:
        browser.close()
