"""A page as PDF, printed by the Chromium that is installed, if any."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["BROWSERS", "find_browser", "print_pdf"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Programs that can print a page, as they are looked for on the path."""

_PATIENCE_S = 120.0


def find_browser() -> str | None:
    """Path of the browser that prints; None where none is installed."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def print_pdf(page: Path, pdf: Path, browser: str) -> str | None:
    """Print a page to a PDF file, whole or not at all.

    Args:
        page: The HTML file.
        pdf: Where the PDF goes.
        browser: Path of the browser.

    Returns:
        None where it worked, and otherwise a sentence that says why not.
    """
    with tempfile.TemporaryDirectory(prefix="autolab-print-") as folder:
        part = Path(folder) / "page.pdf"
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-extensions", "--no-first-run",
            "--disable-background-networking", "--disable-dev-shm-usage", f"--user-data-dir={folder}/profile",
            "--no-pdf-header-footer", f"--print-to-pdf={part}", page.resolve().as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S, check=False)  # noqa: S603 (a browser that the path names, with words that are ours)
        except subprocess.TimeoutExpired:
            return f"{browser} had not printed the page after {_PATIENCE_S:g} s: print {page} from a browser"
        except OSError as error:
            return f"{browser} could not be started ({error.strerror}): print {page} from a browser"
        if not part.is_file():
            return f"{browser} ended with code {done.returncode} and printed nothing: print {page} from a browser"
        try:
            shutil.move(part, pdf)
        except OSError as error:
            return f"{pdf} cannot be written ({error.strerror})"
    return None
