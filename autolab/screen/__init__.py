"""The screen: judges a suggestion before anything runs. Unknown is refused."""

from autolab.screen.judge import SCREEN, judge

__all__ = ["SCREEN", "judge"]
