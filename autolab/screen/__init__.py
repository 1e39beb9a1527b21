"""The screen: judges a suggestion before anything runs. Unknown is refused."""

from autolab.screen.judge import judge

__all__ = ["judge"]
