"""Stored campaigns in groups, and one by one where a group cannot be read."""

from collections.abc import Mapping
from itertools import islice

from braze_frames.cache.campaign import CampaignFiles, StoredCampaign
from braze_frames.cache.many import load_many
from braze_frames.errors import BrazeError
from braze_frames.payload.batch import Span
from braze_frames.sources.plan import each
from braze_frames.storage.layout import Part

# What coding the texts of many campaigns at once saves is saved by so many; more only
# take more memory at a time.
_GROUP = 150


def load_each(
    shelf: Mapping[str, CampaignFiles], part: Part, span: Span
) -> tuple[dict[str, StoredCampaign], dict[str, BrazeError]]:
    """Read stored days of campaigns; return the errors of those that cannot be read."""
    found: dict[str, StoredCampaign] = {}
    failed: dict[str, BrazeError] = {}
    rest = iter(shelf)
    while names := [*islice(rest, _GROUP)]:
        group, odd = each(
            lambda _, names=names: load_many([shelf[n] for n in names], part, span),
            ["a group"],
        )
        if odd:
            one_by_one = each(
                lambda name: load_many([shelf[name]], part, span)[0], names
            )
            found, failed = found | one_by_one[0], failed | one_by_one[1]
        for loaded in group.values():
            found |= zip(names, loaded, strict=True)
    return found, failed
