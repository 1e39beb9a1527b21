"""What the tests of this laboratory share."""

from pathlib import Path

import pytest


@pytest.fixture
def files() -> Path:
    """The folder of the lab and campaign files; here they are those of another example."""
    return Path(__file__).parent.parent / "replay"
