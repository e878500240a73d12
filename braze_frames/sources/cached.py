"""Campaigns through a cache: what is missing is asked and stored, then all is read."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from braze_frames.api.client import BrazeClient
from braze_frames.api.windows import Window, plan_days, plan_windows
from braze_frames.cache.campaign import CampaignFiles, Stored, Update
from braze_frames.cache.coverage import FreshnessPolicy, moment_of, what_to_fetch
from braze_frames.errors import BrazeError, RequestError, listed
from braze_frames.payload.batch import Batch
from braze_frames.sources.plan import Item, Pulled, ReadRequest
from braze_frames.sources.remote import Answers, fetch_names, fetch_windows, ids_of
from braze_frames.sources.stored import (
    StoredCampaign,
    all_of,
    each,
    held_of,
    lacks_totals,
    read_days,
    sorted_out,
)


def pull_cached(
    items: Sequence[Item],
    client: BrazeClient,
    root: Path,
    terms: FreshnessPolicy,
    asked: ReadRequest,
    *,
    details: bool = False,
    refresh: bool = False,
    progress: bool = True,
) -> Pulled:
    """Read campaigns from an endpoint's folder, after asking the API what it lacks.

    Raises
    ------
    AuthError
        At once; what came before is stored.
    CacheError
        What came cannot be stored.
    """
    ids, now = ids_of(items), client.now()
    shelf = {id_: CampaignFiles(root, id_) for id_ in ids}

    def look(id_: str) -> "_CacheState":
        return _look(shelf[id_], asked, now, None if refresh else terms)

    looks, failed = each(look, ids)
    plans = {id_: one.windows for id_, one in looks.items() if one.windows}
    labels = {str(item.id): item.label for item in items if item.label != item.id}
    names: dict[str, dict[str, str]] = {}

    def store(id_: str, batches: Sequence[Batch]) -> None:
        about = labels.get(id_), names.get(id_)
        shelf[id_].write(Update(batches, moment_of(now), client.tz, *about))

    if details:
        unnamed = [i for i, one in looks.items() if one.windows or one.names is None]
        names |= fetch_names(unnamed, client, Answers({}, failed, {}))
        for id_ in names.keys() - plans.keys():
            store(id_, [])
            looks[id_] = look(id_)
    shown = progress and bool(plans)
    came = fetch_windows(plans, client, progress=shown, arrived=store)
    for id_, error in came.failed.items():
        failed.setdefault(id_, _naming_days(id_, error, came.lost.get(id_, [])))
    held, lost = each(
        lambda id_: all_of(held_of(shelf[id_], asked.span, asked.part), asked),
        [id_ for id_ in ids if id_ in plans and id_ not in failed],
    )
    held |= {id_: one.held for id_, one in looks.items() if one.held}
    return sorted_out(items, held, failed | lost, details=details)


class _CacheState(NamedTuple):
    """What a cache holds of the days asked, or the windows that it lacks."""

    held: StoredCampaign | None
    windows: list[Window]
    names: dict[str, str] | None


def _look(
    files: CampaignFiles,
    asked: ReadRequest,
    now: datetime,
    terms: FreshnessPolicy | None,
) -> _CacheState:
    """Read what is asked if nothing of it must be fetched; without terms all must."""

    def use(stored: Stored) -> _CacheState:
        names = stored.about.names if stored.about else None
        if terms is None:
            return _CacheState(None, plan_windows(asked.first, asked.last), names)
        need = what_to_fetch(stored.coverage, asked.span, now, terms)
        if need.missing.any():
            missing, settled = need.missing.tolist(), need.settled.tolist()
            return _CacheState(None, plan_days(asked.first, missing, settled), names)
        return _CacheState(read_days(files, stored, asked.span, asked.part), [], names)

    look = files.using(asked.part.files, use, fill=asked.part.fill)
    if look.held and lacks_totals(look.held, asked.part):
        return files.using(asked.part.files, use)
    return look


def _naming_days(id_: str, error: BrazeError, lost: Sequence[Window]) -> BrazeError:
    """Return the error with the days that it left missing."""
    if not isinstance(error, RequestError) or not lost:
        return error
    days = listed(sorted(f"{window.first} … {window.last}" for window in lost))
    return type(error)(
        f"campaign {id_}: {days} are not stored, or no longer fresh, and did not come: "
        f"{error}. All that came is kept; ask again, ask for other days, or read what "
        "is stored by passing the Cache itself as the source",
        status=error.status,
    )
