"""Fixes the Channel Access ports of this process before any test module imports ophyd."""

import tests.epics_env  # noqa: F401
