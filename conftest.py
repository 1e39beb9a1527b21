"""Fixes the Channel Access ports of a test process before any test module imports ophyd, wherever it stands."""

import tests.epics_env  # noqa: F401 (importing it sets the environment)
