"""What a record needs to know of the machine and the software that made it."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

import autolab

__all__ = ["PACKAGES", "environment"]

PACKAGES = (
    "bluesky",
    "ophyd",
    "ophyd-async",
    "pyepics",
    "softioc",
    "pyserial",
    "pyzmq",
    "ax-platform",
    "botorch",
    "torch",
    "numpy",
    "scipy",
    "sqlite-utils",
    "pydantic",
    "pint",
    "plotly",
)
"""Packages whose version may change a result."""


def environment() -> dict[str, Any]:
    """Versions of autolab, Python and the packages that matter; the system and processor. No name of a machine."""
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "autolab": autolab.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
        "packages": versions,
    }
