"""A campaign's id: told from what people paste in its place."""

import re

from braze_frames.core.names import shown
from braze_frames.errors import SourceError

# Hyphens as in RFC 9562; version and variant are not asked: Braze says just "UUID".
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# A MongoDB ObjectId, which people copy out of the address bar.
_DASHBOARD_ID = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)


def is_campaign_id(text: str) -> bool:
    """Whether a text is a campaign's API identifier, a UUID.

    Examples
    --------
    >>> is_campaign_id("3bbc4555-8fa1-4c9b-a46e-48a8b1d9b5f1")
    True
    """
    return _ID.fullmatch(text) is not None


def is_dashboard_id(text: str) -> bool:
    """Whether a text is the id in the dashboard's address, which the API knows not."""
    return _DASHBOARD_ID.fullmatch(text.strip()) is not None


def check_campaign_id(text: str) -> str:
    """Return a campaign's id as it is, or say what the text is instead.

    Raises
    ------
    SourceError
        It has blanks around it, is the dashboard's id, or is something else.

    Examples
    --------
    >>> check_campaign_id("507f1f77bcf86cd799439011")
    Traceback (most recent call last):
    ...
    braze_frames.errors.SourceError: '507f1f77bcf86cd799439011' is the id in the
    dashboard's address (24 hex digits); the API knows the campaign by its API
    identifier, a UUID: it stands on the campaign's details page and in
    client.campaigns()
    """
    if is_campaign_id(text):
        return text
    if is_campaign_id(text.strip()):
        raise SourceError(
            f"the campaign id {text!r} has blanks around it; pass id.strip()"
        )
    if is_dashboard_id(text):
        raise SourceError(
            f"{text!r} is the id in the dashboard's address (24 hex digits); the API "
            "knows the campaign by its API identifier, a UUID: it stands on the "
            "campaign's details page and in client.campaigns()"
        )
    raise SourceError(f"{shown(text)} is no campaign id (a UUID)")
