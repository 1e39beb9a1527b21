"""What a person accepts when a campaign goes on with other files than it began with."""

from __future__ import annotations

import pytest

from autolab.compose.resuming import AS_BEGUN, news_of


@pytest.mark.parametrize(
    ("changes", "accepted", "news"),
    [
        ("", "", ""),
        ("+ b", "", "+ b"),
        ("+ b", "+ b", ""),
        ("+ c", "+ b", "+ c"),
        ("", "+ b", AS_BEGUN),
        ("", AS_BEGUN, ""),
        ("+ b", AS_BEGUN, "+ b"),
    ],
)
def test_only_files_with_which_the_campaign_did_not_go_on_the_last_time_are_news(
    changes: str, accepted: str, news: str
) -> None:
    assert news_of(changes, accepted) == news
