"""What the ``attrs`` of a frame know, and what results pass on of its days."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arguments import last_day
from braze_frames.core.names import LABEL_WIDTH, legible, short_names
from braze_frames.errors import FrameError
from braze_frames.frame.by import Period, binned
from braze_frames.frame.levels import Level, level_names, level_of, levels_of

# Conversions come in for up to 30 days after the send: Braze docs, metrics_glossary.md.
_GROWS = pd.Timedelta(days=31)
_DAY = np.timedelta64(1, "D")
# pandas copies ``attrs`` at every step: they hold so many campaigns or names at most.
MOST_NAMES = 500


def provenance_of(frame: Any) -> Mapping[str, Any]:
    """Return what a frame or series says of itself; nothing where that is no mapping.

    Examples
    --------
    >>> frame = pd.DataFrame()
    >>> frame.attrs["braze"] = {"settled_until": "2026-05-30"}
    >>> provenance_of(frame), provenance_of(pd.DataFrame())
    ({'settled_until': '2026-05-30'}, {})
    """
    found = frame.attrs.get("braze")
    return found if isinstance(found, Mapping) else {}


def as_day(said: object) -> str | None:
    """Return a day as it stands in ``attrs``; None where it is no day.

    Examples
    --------
    >>> as_day("2026-05-30"), as_day("soon"), as_day(None)
    ('2026-05-30', None, None)
    """
    try:
        return date.fromisoformat(said).isoformat() if isinstance(said, str) else None
    except ValueError:
        return None


def short_names_of(frame: Any) -> dict[str, dict[str, str]]:
    """Return the labels of a frame's names, the same in all of its results.

    What ``attrs`` say holds for slices and results too; else names are shortened over
    what is there.

    Parameters
    ----------
    frame : DataFrame or Series
        A frame, or the result of a verb.

    Returns
    -------
    dict
        Campaign → variation → label, where that is another; under ``""`` stand the
        campaigns themselves, and the variations of a frame without campaigns.

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples(
    ...     [(pd.Timestamp("2026-03-01"), "email", "A" * 50)],
    ...     names=["date", "channel", "variation"],
    ... )
    >>> list(short_names_of(pd.DataFrame({"sent": [1]}, index=index))[""].values())
    ['AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA…']
    """
    stored = provenance_of(frame).get("labels")
    known = stored if isinstance(stored, Mapping) else {}
    found: dict[str, dict[str, str]] = {}
    for parent, names in odd_names(frame).items():
        own = known.get(parent)
        if isinstance(own, Mapping) and {*filter(_is_odd, names)} <= {*map(str, own)}:
            found[parent] = {str(name): str(label) for name, label in own.items()}
        else:
            short = short_names(names)
            found[parent] = {n: label for n, label in short.items() if n != label}
    return found


def names_attrs(frame: Any) -> dict[str, Any]:
    """Return what results say of long names; nothing where they are none, or many."""
    # Looked for first: most frames have none, and a second look takes as long.
    count = sum(map(len, odd_names(frame).values()))
    found = short_names_of(frame) if 0 < count <= MOST_NAMES else {}
    return {"labels": found} if found else {}


def pass_on_names(result: Any, df: pd.DataFrame) -> Any:
    """Return a result that says what the long names of the frame asked are cut to."""
    if isinstance(result, pd.DataFrame | pd.Series) and (own := names_attrs(df)):
        result.attrs["braze"] = {**provenance_of(result), **own}
    return result


def odd_names(frame: Any) -> dict[str, list[str]]:
    """Return campaign → its variations, sorted, where one cannot be shown as it is.

    Under ``""`` stand campaigns, and the variations of a frame without them.
    """
    owners, variations = _names_in(frame, "campaign"), _names_in(frame, "variation")
    found: dict[str, list[str]] = {}
    if owners and any_odd_name(owners[1]):
        used = pd.unique(owners[0])
        found[""] = [owners[1][code] for code in used if code >= 0]
    if variations and any_odd_name(variations[1]):
        of_owner = owners[0] if owners else np.zeros_like(variations[0])
        pairs = pd.DataFrame({"owner": of_owner, "name": variations[0]})
        pairs = pairs[(pairs >= 0).all(axis=1)].drop_duplicates()
        for owner, name in pairs.itertuples(index=False):
            parent = owners[1][owner] if owners else ""
            found.setdefault(parent, []).append(variations[1][name])
    return {of: sorted(own) for of, own in found.items() if any_odd_name(own)}


def _is_odd(name: str) -> bool:
    return len(name) > LABEL_WIDTH or legible(name) != name


def any_odd_name(names: Sequence[str]) -> bool:
    """Tell whether one of the names is odd, by all of them in one line."""
    line = " ".join(names)
    long = any(len(name) > LABEL_WIDTH for name in names)
    return long or (bool(names) and legible(line) != line)


def _names_in(frame: Any, level: str) -> tuple[Any, list[str]] | None:
    """Return a level as codes into names, -1 where it is missing; None: no such level.

    The names of an index are taken as they lie: rows need not have all of them.
    """
    index = frame.index
    if isinstance(index, pd.MultiIndex) and level in index.names:
        place = index.names.index(level)
        return np.asarray(index.codes[place]), [*map(str, index.levels[place].tolist())]
    column = index if level in index.names else None
    # As a list: pandas makes a table of a frame's columns to look into them.
    if column is None and level in [*getattr(frame, "columns", ())]:
        column = frame[level]
    if not isinstance(column, pd.Series | pd.Index):
        return None
    codes, names = pd.factorize(column)
    return codes, [*map(str, names)]


class Until(NamedTuple):
    """The last day before any that ``grows``, or of all; None: it is not known."""

    day: str | None
    grows: bool = True


def settled_day(df: pd.DataFrame) -> Until:
    """Return the last day before any that still grows, as far as the frame knows.

    Where campaigns know their own days (``settled`` in ``attrs``), each row counts by
    its campaign's.
    """
    earliest = as_day(provenance_of(df).get("settled_until"))
    known = earliest is not None and "settled" in provenance_of(df)
    if not known or "campaign" not in level_names(df):
        return Until(earliest)
    campaign, date = (level_of(df, name).used() for name in ("campaign", "date"))
    until = settled_until_each(df, campaign.names())
    if not len(until):
        return Until(None)
    days = pd.DatetimeIndex(date.labels).tz_localize(None).to_numpy("datetime64[D]")
    growing = days[date.codes] > until[campaign.codes]
    if growing.any():
        return Until(str(days[date.codes][growing].min() - _DAY))
    return Until(str(until.max()), grows=False)


def merge_until(parts: Iterable[Until]) -> Until:
    """Return what that of parts is of the whole."""
    known = [one for one in parts if one.day]
    growing = [one for one in known if one.grows]
    if growing:
        return min(growing)
    return max(known, default=Until(None))


def settled_attrs(until: str | None, last: Any) -> dict[str, str]:
    """Return until when a frame is settled and its last day; nothing if not known."""
    if until is None or pd.isna(last):
        return {}
    return {"settled_until": until, "last": pd.Timestamp(last).date().isoformat()}


def days_attrs(
    until: str | None, days: pd.DatetimeIndex, freq: Period
) -> dict[str, str]:
    """Return what results say of their days: until when settled, and which grow.

    Parameters
    ----------
    until : str, optional
        The last day that no longer grows.
    days : DatetimeIndex
        The days that are added up, sorted.
    freq : str, DateOffset or None
        The periods of the result.

    Examples
    --------
    >>> days_attrs("2026-03-05", pd.date_range("2026-03-02", periods=9), "W")
    {'settled_until': '2026-03-05', 'last': '2026-03-10', 'growing_from': '2026-03-08'}
    """
    if until is None or not len(days):
        return {}
    found = {"settled_until": until, "last": days[-1].date().isoformat()}
    growing = days > pd.Timestamp(until)
    if freq is None or not growing.any():
        return found
    periods = binned(Level("date", days, np.arange(len(days))), freq)
    first = periods.labels[periods.codes[growing.argmax()]]
    return found | {"growing_from": first.date().isoformat()}


def labelled(table: pd.DataFrame, about: Mapping[str, Any]) -> pd.DataFrame:
    """Put in ``attrs`` what tables and pictures say of a result; never a number.

    ``units`` says for each column whether it is a share, an amount in USD or a count.
    """
    if about:
        table.attrs["braze"] = dict(about)
    return table


# More rows make attrs heavy, which pandas copies with each slice.
_MOST_ROWS = 200


def left_out_attrs(
    index: pd.Index, reasons: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return which sums were not made, by the reason for it; for tables' footnotes.

    Parameters
    ----------
    index : Index
        The rows of the result.
    reasons : mapping
        Reason → column → for each row whether it holds.

    Examples
    --------
    >>> left_out_attrs(pd.Index(["a", "b"]), {"people": {"opens": np.array([0, 1])}})
    {'left_out': {'people': {'columns': ['opens'], 'rows': [['b']]}}}
    """
    found = {}
    for reason, columns in reasons.items():
        known = {name: np.asarray(where, bool) for name, where in columns.items()}
        known = {name: where for name, where in known.items() if where.any()}
        if known:
            rows = np.flatnonzero(np.any([*known.values()], axis=0))[:_MOST_ROWS]
            labels = [[*map(_text, _parts(label))] for label in index[rows]]
            found[reason] = {"columns": [*known], "rows": labels}
    return {"left_out": found} if found else {}


def significant_attrs(table: pd.DataFrame) -> dict[str, Any]:
    """Return which rows of a result are significant, for parts that lack the column.

    Both are told, those that are and those that are not, so that a part that lacks a
    level of the index, too, knows whether it can tell.

    Examples
    --------
    >>> names = pd.Index(["a", "b"], name="v")
    >>> significant_attrs(pd.DataFrame({"significant": [True, False]}, names))
    {'significant': {'levels': ['v'], 'yes': [['a']], 'no': [['b']]}}
    """
    if len(table) > _MOST_ROWS:
        return {}
    found: dict[str, Any] = {"levels": [*map(str, table.index.names)]}
    flags = table["significant"].fillna(value=False).to_numpy(dtype=bool)
    for name, rows in (("yes", flags), ("no", ~flags)):
        found[name] = [[*map(_text, _parts(label))] for label in table.index[rows]]
    return {"significant": found}


def _parts(label: Any) -> Sequence[Any]:
    return label if isinstance(label, tuple) else (label,)


def _text(label: Any) -> str:
    return str(label.date() if isinstance(label, pd.Timestamp) else label)


def settled_until(df: pd.DataFrame) -> np.datetime64:
    """Return the last day that no longer grows, as far as the frame knows."""
    return np.datetime64(as_day(provenance_of(df).get("settled_until")) or "NaT")


def settled_until_each(df: pd.DataFrame, campaigns: Sequence[str | None]) -> Any:
    """Return for each campaign the last day that no longer grows; NaT: not known.

    A campaign's own conversion windows count where ``attrs`` know them (``settled``,
    label → day), else the earliest of all (``settled_until``).
    """
    own = provenance_of(df).get("settled")
    own = own if isinstance(own, Mapping) else {}
    earliest = settled_until(df)
    days = [as_day(own.get(name)) or earliest for name in campaigns]
    return np.array(days, dtype="datetime64[D]")


def whole_until(df: pd.DataFrame) -> np.datetime64:
    """Return the last day that was over when the frame was read, if it knows when."""
    read = as_day(str(provenance_of(df).get("fetched_at"))[:10])
    return np.datetime64(read or "NaT", "D") - _DAY


def settled(df: pd.DataFrame, until: Any = None) -> pd.DataFrame:
    """Drop the days whose numbers still grow.

    Parameters
    ----------
    df : DataFrame
        Either grain.
    until : date-like, optional
        The last day to keep; ``"2026-05"`` is the last of May. None: until when the
        numbers were settled as they were read: a day more than the campaign's longest
        conversion window before, where its details were read, else 31 days.

    Returns
    -------
    DataFrame
        The rows of those days. A frame that does not know takes ``until`` for its day,
        so that no later verb asks again.

    Raises
    ------
    FrameError
        ``until`` is not given, and the frame does not know.
    ValueError
        ``until`` is no day.

    Notes
    -----
    Conversions are counted for up to 30 days after the send: Braze docs,
    metrics_glossary.md @88e1706.

    Examples
    --------
    >>> import braze_frames as bf
    >>> days = [
    ...     {"time": f"2026-03-0{n}", "messages": {"email": [{"sent": n}]}}
    ...     for n in (1, 2)
    ... ]
    >>> df = bf.read_braze_series({"data": days})
    >>> df.braze.settled(until="2026-03-01")["sent"].tolist()
    [1]
    """
    levels = {level.name: level.used() for level in levels_of(df)}
    days = pd.DatetimeIndex(levels["date"].labels).tz_localize(None)
    dates = np.asarray(days, dtype="datetime64[us]")[levels["date"].codes]
    if until is not None:
        day = last_day("until", until)
        return _until(df[dates <= np.datetime64(day)], day)
    campaign = levels.get("campaign")
    names = [None] if campaign is None else campaign.names()
    last = settled_until_each(df, names)
    if names and np.isnat(last).any():
        raise FrameError(_unsettled(days))
    of_rows = np.asarray(last[0] if campaign is None else last[campaign.codes])
    return df[np.asarray(dates <= of_rows, dtype=bool)]


def _until(kept: pd.DataFrame, day: date) -> pd.DataFrame:
    """Note until when a frame was said to be settled, where it does not know."""
    if as_day(provenance_of(kept).get("settled_until")) is None:
        told = {**provenance_of(kept), "settled_until": day.isoformat()}
        kept.attrs["braze"] = told
    return kept


def _unsettled(days: pd.DatetimeIndex) -> str:
    """Say that a frame does not know until when it is settled, and both ways on."""
    day = days.max() - _GROWS if len(days) else pd.Timestamp("2026-05-30")
    newest = f" (its last day less {_GROWS.days})" if len(days) else ""
    return (
        "this frame does not know until when its numbers are settled: attrs were "
        "cleared, lost by a merge or join, or it was not read from the API. Pass "
        f'until="{day.date()}"{newest}, or carry over what it was read with: '
        "out.attrs.update(df.attrs)"
    )
