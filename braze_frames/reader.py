"""``read_braze_series``: from ids and dates, or files, to a frame."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import pandas as pd

from braze_frames.core.arguments import check_choice, nearest
from braze_frames.errors import (
    PayloadWarning,
    PullError,
    WindowWarning,
    listed,
    warn,
)
from braze_frames.frame.levels import Frames, Grain
from braze_frames.schema.channels import STAT, VARIATION_ID

if TYPE_CHECKING:
    from braze_frames.api.client import BrazeClient
    from braze_frames.sources.plan import Pulled

_SCHEMA = 1
# So much of a campaign's name stands in a warning that lists several.
_NAME = 40
_GRAINS: tuple[Grain, ...] = ("variation", "campaign", "element")


@overload
def read_braze_series(
    source: Any,
    *,
    start: Any = ...,
    end: Any = ...,
    length: int | None = ...,
    grain: Grain = ...,
    columns: Iterable[str] | None = ...,
    details: bool | None = ...,
    client: "BrazeClient | None" = ...,
    cache: Any = ...,
    refresh: bool = ...,
    as_of: Any = ...,
    tz: str | None = ...,
    on_error: Literal["raise", "warn"] = ...,
    progress: bool = ...,
) -> pd.DataFrame: ...


@overload
def read_braze_series(
    source: Any,
    *,
    start: Any = ...,
    end: Any = ...,
    length: int | None = ...,
    grain: Literal["all"],
    columns: Iterable[str] | None = ...,
    details: bool | None = ...,
    client: "BrazeClient | None" = ...,
    cache: Any = ...,
    refresh: bool = ...,
    as_of: Any = ...,
    tz: str | None = ...,
    on_error: Literal["raise", "warn"] = ...,
    progress: bool = ...,
) -> Frames: ...


def read_braze_series(
    source: Any,
    *,
    start: Any = None,
    end: Any = None,
    length: int | None = None,
    grain: Grain | Literal["all"] = "variation",
    columns: Iterable[str] | None = None,
    details: bool | None = None,
    client: "BrazeClient | None" = None,
    cache: Any = None,
    refresh: bool = False,
    as_of: Any = None,
    tz: str | None = None,
    on_error: Literal["raise", "warn"] = "raise",
    progress: bool = True,
) -> pd.DataFrame | Frames:
    """Read daily campaign analytics into a frame.

    Parameters
    ----------
    source : str, list, mapping, Series, DataFrame, path or file-like
        What to read:

        - a campaign's id (UUID) or name, a pattern of names (``"Newsletter*"``), a
          list of these, a mapping or Series name → id, or the frame of
          ``client.campaigns()``: asked from the API;
        - a path, glob or file-like of ``.json``, ``.jsonl`` or ``.ndjson``, each also
          ``.gz``, of ``.csv`` or ``.parquet`` (a folder, too); a list of paths; a
          mapping name → path, file-like, response or rows;
        - a decoded response, a list of responses (the windows of one campaign), or
          day rows as loaders leave them (``time``, ``messages``, …) in a list, frame or
          Arrow table, also in the envelopes of Airbyte and Singer; those with a
          campaign's id, however it is spelled, make several campaigns;
        - a ``Cache``: all that it holds, offline.
    start, end : date-like, optional
        First and last day, both included. ``end`` defaults to today in the company's
        time zone and is cut to it. Files are read whole unless these are given.
    length : int, optional
        Days up to ``end``, instead of ``start``. The default for ids is 100.
    grain : {"variation", "campaign", "element", "all"}
        A row for each variation and day, for each day (the day totals), for each slide
        or button clicked, or all three from one fetch.
    columns : iterable of str, optional
        The stats to keep.
    details : bool, optional
        Whether to ask for campaign details, whose names label variations without a name
        and whose conversion windows tell until when days are settled. None asks where
        a variation has no name, in one try: where details cannot be had, ids stand.
        True asks for all campaigns, and False for none.
    client : BrazeClient, optional
        Whom to ask; without one, ``connect()`` makes one from the environment.
    cache : bool, str, path or Cache, optional
        Keep what is fetched, and ask only for days that are not stored or may still
        change: True is the default folder, see ``Cache``.
    refresh : bool
        Ask for all days, stored or not.
    as_of : date-like, optional
        Give the numbers as the cache held them at this moment, asking for nothing. A
        day means its end; a moment without a zone is one of the company's time.
    tz : str, optional
        The company's time zone, for sources without a client: times of rows that carry
        a zone are days of it. With a client it must be the client's.
    on_error : {"raise", "warn"}
        With several campaigns: what to do when some fail.
    progress : bool
        Show a progress bar once a fetch takes more than a second.

    Returns
    -------
    DataFrame or NamedTuple of DataFrames
        ``"variation"``: index ``date`` (datetime64[us], a day of the company's time
        zone), ``channel``, ``variation``; columns ``variation_api_id`` and the stats
        under the API's own names, counts Int64, ``revenue`` Float64 in USD. ``<NA>``
        is what the API did not give. Several campaigns put ``campaign`` in front.
        ``"campaign"``: index ``date``. ``"element"``: the variation's index and
        ``element``, ``position``, ``title``; column ``clicks``. ``"all"``: a
        NamedTuple ``(variations, campaigns, elements)``.

    Raises
    ------
    SourceError
        The source is none of these.
    PayloadError
        An answer or a file cannot be trusted; names the day, channel and key.
    RequestError
        The API refused or did not answer (``AuthError``, ``RateLimitError``).
    CacheError
        The cache cannot be used, or did not hold the days at the time of ``as_of``.
    PullError
        Some of several campaigns failed; ``.failed`` says which, ``.frame`` holds the
        others.
    ValueError
        The dates, the grain or a column make no sense, or ``tz`` is not the client's.

    Notes
    -----
    Source of names and units: Braze's documentation of ``GET /campaigns/data_series``.

    Examples
    --------
    >>> import braze_frames as bf
    >>> day = {
    ...     "time": "2026-03-01",
    ...     "messages": {"email": [{"variation_name": "A", "sent": 2, "opens": 1}]},
    ... }
    >>> bf.read_braze_series({"data": [day]})[["sent", "opens"]]
                                  sent  opens
    date       channel variation
    2026-03-01 email   A             2      1
    """
    from braze_frames.cache.cache import as_cache
    from braze_frames.core.arguments import parse_days
    from braze_frames.sources.plan import ReadPlan
    from braze_frames.sources.route import pull
    from braze_frames.storage.layout import part_of

    check_choice("grain", grain, (*_GRAINS, "all"))
    check_choice("on_error", on_error, ("raise", "warn"))
    grains = _GRAINS if grain == "all" else (grain,)
    columns = [columns] if isinstance(columns, str) else columns
    columns = None if columns is None else list(columns)
    plan = ReadPlan(
        days=parse_days(start, end, length),
        part=part_of(grains, columns),
        details=details,
        refresh=refresh,
        as_of=as_of,
        tz=tz,
        progress=progress,
        client=client,
        cache=as_cache(cache),
    )
    return _as_frames(pull(source, plan), grain, columns, on_error)


def _as_frames(
    pulled: "Pulled",
    grain: Grain | Literal["all"],
    columns: list[str] | None,
    on_error: Literal["raise", "warn"],
) -> pd.DataFrame | Frames:
    """Return what came as frames; warn or raise where some of it did not."""
    from braze_frames.payload.assemble import assemble

    several = pulled.request.several
    if pulled.failed and not several:
        raise next(iter(pulled.failed.values()))
    warn_of(said_of(pulled), silent=grain in ("variation", "all"))
    grains = _GRAINS if grain == "all" else (grain,)
    frames = assemble(pulled.campaigns, grains, several=several)
    if columns is not None:
        frames = _chosen(frames, columns)
    _label(frames, pulled)
    picked = Frames(*frames) if grain == "all" else frames[0]
    if pulled.failed:
        _fail(pulled, picked, on_error)
    return picked


class Said(NamedTuple):
    """What a read has to tell: stats left out, the server's messages, silent campaigns.

    ``silent`` are those that have days and no messages: they make no rows. ``assumed``
    are times whose days are a guess.
    """

    assumed: list[str]
    left_out: list[str]
    messages: list[str]
    silent: list[str]


def said_of(pulled: "Pulled") -> Said:
    """Return what came with the campaigns that the user should hear of."""
    batches = [campaign.batch for campaign in pulled.campaigns]
    left_out = {
        stat
        for batch in batches
        for stat in {**batch.entries.left_out, **batch.totals.left_out}
    }
    silent = [
        label or "the campaign"
        for label, batch in pulled.campaigns
        if len(batch.days) and not len(batch.entry_day)
    ]
    messages = [text for batch in batches for text in batch.messages]
    assumed = [pulled.assumed] if pulled.assumed else []
    return Said(assumed, sorted(left_out), sorted(messages), silent)


def warn_of(said: Said, *, silent: bool) -> None:
    """Warn of each kind once."""
    if said.assumed:
        warn(
            f"times such as {said.assumed[0]!r} are days only in the company's time "
            "zone, which is not known: taken was the day as it is written. Pass the "
            "zone as tz=",
            WindowWarning,
        )
    texts = []
    if said.left_out:
        stats = listed(said.left_out)
        texts.append(f"left out, for they hold other things than numbers: {stats}")
    if said.messages:
        texts.append(f"the server reports errors: {listed(said.messages, '; ')}")
    if silent and said.silent:
        named = listed(name[:_NAME] for name in said.silent)
        texts.append(
            f"without messages, so without a row: {named}. Drafts, never sent, or sent "
            "on other days; df.braze.campaigns lists what has rows"
        )
    for text in texts:
        warn(text, PayloadWarning)


def _label(frames: list[pd.DataFrame], pulled: "Pulled") -> None:
    from braze_frames.frame.provenance import MOST_NAMES, any_odd_name

    items = pulled.request.items[:MOST_NAMES]
    ids = {one.label: one.id or one.known for one in items if one.label}
    names = {one.label for one in pulled.campaigns if one.label}
    names.update(*(one.batch.labels for one in pulled.campaigns))
    # Asked here, for a new frame takes long to say what names it has.
    is_odd = any_odd_name(list(names))
    for frame in frames:
        label_frame(frame, pulled.attrs, ids, is_odd=is_odd)


def label_frame(
    frame: pd.DataFrame,
    attrs: Mapping[str, Any],
    ids: Mapping[str, str | None],
    *,
    is_odd: bool = True,
) -> None:
    """Say in ``attrs`` where a frame comes from; ``is_odd`` if a name may be."""
    from braze_frames.frame.provenance import names_attrs

    about = {"schema": _SCHEMA, **attrs, "campaigns": dict(ids)}
    frame.attrs["braze"] = about | (names_attrs(frame) if is_odd else {})


def _chosen(frames: list[pd.DataFrame], columns: Iterable[str]) -> list[pd.DataFrame]:
    wanted = {columns} if isinstance(columns, str) else set(columns)
    known = {*STAT, VARIATION_ID, *(str(name) for frame in frames for name in frame)}
    for name in sorted(wanted - known, key=str):
        raise ValueError(f"columns: no stat is called {name!r}; {nearest(name, known)}")
    kept = {*wanted, VARIATION_ID}
    return [
        frame
        if "element" in frame.index.names
        else frame[[name for name in frame if name in kept]]
        for frame in frames
    ]


def failed_text(failed: Mapping[str, Exception], count: int) -> str:
    """Say how many of ``count`` campaigns failed, and why."""
    reasons = sorted(f"{label[:_NAME]}: {error}" for label, error in failed.items())
    shown = listed(reasons, "; ")
    return f"{len(failed)} of {count} campaigns could not be read: {shown}"


def _fail(
    pulled: "Pulled", picked: pd.DataFrame | Frames, on_error: Literal["raise", "warn"]
) -> None:
    count = len({one.label for one in pulled.campaigns} | pulled.failed.keys())
    message = failed_text(pulled.failed, count)
    if on_error == "warn" and pulled.campaigns:
        warn(message, PayloadWarning)
        return
    hint = ". What came is in .frame" if pulled.campaigns else ""
    raise PullError(
        f"{message}{hint}",
        failed=pulled.failed,
        frame=picked if pulled.campaigns else None,
    )
