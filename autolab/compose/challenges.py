"""The challenge that a campaign names: an id of the published ones, which the review counts by."""

from __future__ import annotations

from autolab.config.specs import CampaignSpec
from autolab.core.errors import InputError

__all__ = ["check_challenge"]


def check_challenge(campaign: CampaignSpec) -> None:
    """Refuse a challenge that nobody has published: the journal would keep it for ever, and no review would count it.

    Raises:
        FileError: there is no such challenge.
    """
    if campaign.challenge is None:
        return
    from facility_review.reference import reference  # only who names a challenge needs their list

    try:
        reference().challenge(campaign.challenge)
    except InputError as error:
        raise campaign.source.error(("challenge",), str(error)) from None
