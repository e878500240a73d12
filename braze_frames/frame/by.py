"""What a user groups by → levels: the frame's own, weekdays, own columns, periods."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Bools
from braze_frames.frame.levels import Level

By = str | pd.Series | Sequence[str | pd.Series] | None
Period = str | pd.offsets.BaseOffset | None
WEEKDAY = "weekday"
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_DAY, _DAY_NS = pd.Timedelta(days=1), 86_400 * 10**9
# A month of days: each period but the day itself has one that is not its label.
_PROBES = pd.date_range("2026-01-01", periods=31)
# What people write for a period, and pandas' word for it.
_SAID = {
    **dict.fromkeys(("day", "days", "daily"), "D"),
    **dict.fromkeys(("week", "weeks", "weekly"), "W"),
    **dict.fromkeys(("month", "months", "monthly", "m"), "MS"),
    **dict.fromkeys(("quarter", "quarters", "quarterly", "q"), "QS"),
    **dict.fromkeys(("year", "years", "yearly", "y"), "YS"),
}


def kept_levels(
    df: pd.DataFrame, levels: dict[str, Level], by: Any, freq: Period
) -> list[Level]:
    """Return the levels to group by, in the order of the result.

    Raises
    ------
    ValueError
        ``by`` is nothing to group by; ``freq`` is no period, or finer than a day.
    """
    _refuse_values(df, levels, by)
    asked = _asked(levels, by)
    kept = [_kept(df, levels, one) for one in asked]
    if freq is None:
        return kept
    if any(is_weekday(df, one) for one in asked):
        raise ValueError(
            f"by={WEEKDAY!r} puts the same weekdays of all weeks together, and "
            f"freq={freq!r} keeps periods apart; leave one of them out"
        )
    # The date stands where a frame has it: behind the campaign, before all else.
    of_campaigns = asked[:1] and _is_name(asked[0]) and asked[0] == "campaign"
    days = levels["date"]
    date = binned(days, freq) if is_anchored(freq) else binned(days, "D")
    kept.insert(1 if of_campaigns else 0, date)
    return kept


def is_anchored(freq: str | pd.offsets.BaseOffset) -> bool:
    """Tell whether periods are the same whichever days are there, unlike "10D".

    Others count from the first day of all, which a part of a frame does not know: its
    rows are kept apart by day.
    """
    offset = _offset(freq)
    return offset.n == 1 or (isinstance(offset, pd.offsets.Tick) and offset == _DAY)


def _refuse_values(df: pd.DataFrame, levels: dict[str, Level], by: Any) -> None:
    """Refuse a value for each row that does not say which row it belongs to."""
    array = isinstance(by, pd.Index | np.ndarray | pd.api.extensions.ExtensionArray)
    if not array or len(by) != len(df) or {*_known(df, levels)} >= {*map(str, by)}:
        return
    raise ValueError(
        f"by: a {type(by).__name__} of {len(by):,} values says of no row that it is "
        "its own; pass pd.Series(values, index=df.index, name='label')"
    )


def _asked(levels: dict[str, Level], by: Any) -> list[Any]:
    """Return what is asked for, one by one; names once."""
    if by is None:
        return [name for name in levels if name != "date"]
    if isinstance(by, str | pd.Series):
        return [by]
    if not pd.api.types.is_list_like(by):
        raise ValueError(f"by={by!r} is no name, no Series and no list of them")
    found: list[Any] = []
    for one in by:
        if not isinstance(one, str) or one not in filter(_is_name, found):
            found.append(one)
    return found


def _is_name(asked: Any) -> bool:
    return isinstance(asked, str)


def is_weekday(df: pd.DataFrame, asked: Any) -> bool:
    """Tell whether what is asked for is the day of the week, and nobody's own."""
    return _is_name(asked) and asked == WEEKDAY and not _has(df, WEEKDAY)


def _has(df: pd.DataFrame, name: str) -> bool:
    return name in df.index.names or name in df.columns


def _kept(df: pd.DataFrame, levels: dict[str, Level], asked: Any) -> Level:
    """Return the level for one name or Series."""
    if isinstance(asked, pd.Series):
        name = str(asked.name) if asked.name is not None else "by"
        return _own(name, _aligned(df, asked), numbers=False)
    if asked in levels and asked != "date":
        return levels[asked]
    if isinstance(asked, str) and asked != "date" and _has(df, asked):
        level = asked in df.index.names
        values = df.index.get_level_values(asked) if level else df[asked]
        return _own(asked, values, numbers=level)
    if is_weekday(df, asked):
        return weekdays(levels["date"])
    known = ", ".join(_known(df, levels))
    days = "; for days pass freq='D'" if asked == "date" else ""
    raise ValueError(f"by={asked!r} is no level of this frame; it has {known}{days}")


def _known(df: pd.DataFrame, levels: dict[str, Level]) -> list[str]:
    """Return the names that one may group by."""
    own = [str(name) for name in df.index.names if name is not None]
    own += [str(name) for name in df.columns if not _is_number(df[name])]
    return list(
        dict.fromkeys(name for name in (*levels, *own, WEEKDAY) if name != "date")
    )


def _is_number(values: Any) -> bool:
    numeric = pd.api.types.is_numeric_dtype(values)
    return numeric and not pd.api.types.is_bool_dtype(values)


def _aligned(df: pd.DataFrame, series: pd.Series) -> pd.Series:
    """Return a Series in the order of the rows.

    Raises
    ------
    ValueError
        It has another length, or other labels.
    """
    name = "the Series" if series.name is None else f"the Series {series.name!r}"
    if len(series) != len(df):
        raise ValueError(
            f"by: {name} has {len(series):,} values, and the frame {len(df):,} rows; "
            "make it of this frame's rows, as df['x'].map(…)"
        )
    if series.index.equals(df.index):
        return series
    if series.index.is_unique and series.index.isin(df.index).all():
        return series.reindex(df.index)
    raise ValueError(
        f"by: {name} has another index than the frame; pass .set_axis(df.index) if its "
        "values are in the order of the rows"
    )


def _own(name: str, values: Any, *, numbers: bool) -> Level:
    """Return a level of what the user put beside ours; missing labels come last."""
    if not numbers and _is_number(values):
        raise ValueError(
            f"by={name!r} holds numbers, which are no groups; bin them first: "
            f"by=pd.cut(df[{name!r}], 4)"
        )
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        whole = pd.Categorical(values)
        labels: Any = pd.Index(pd.Categorical(dtype.categories, dtype=dtype))
        codes = whole.codes.astype(np.int64)
    else:
        codes, labels = _factorized(name, values)
    if (codes < 0).any():  # pandas drops them; a sum without them would be short
        codes = np.where(codes < 0, len(labels), codes)
        labels = labels.astype(object) if labels.dtype == bool else labels
        labels = labels.append(pd.Index([None], dtype=labels.dtype))
    return Level(name, labels.rename(name), codes)


def _factorized(name: str, values: Any) -> tuple[Any, pd.Index]:
    try:
        codes, labels = pd.factorize(values, sort=True)
    except TypeError as error:
        raise ValueError(
            f"by={name!r} holds values that are no labels ({error}); turn them into "
            f"text first: by=df[{name!r}].astype(str)"
        ) from None
    return codes.astype(np.int64), pd.Index(labels)


def weekdays(date: Level) -> Level:
    """Return the weekday of each row, from Monday to Sunday."""
    labels = pd.CategoricalIndex(WEEKDAYS, WEEKDAYS, ordered=True, name=WEEKDAY)
    of_day = pd.DatetimeIndex(date.labels).day_of_week.to_numpy()
    return Level(WEEKDAY, labels, of_day[date.codes].astype(np.int64))


def binned(level: Level, freq: str | pd.offsets.BaseOffset) -> Level:
    """Return the level of days as periods, under pandas' labels for them.

    Raises
    ------
    ValueError
        ``freq`` is no period, or finer than a day.
    """
    level = level.used()
    days = pd.Series(1, index=level.labels).resample(_offset(freq)).size()
    used = days[days > 0]
    codes = np.repeat(np.arange(len(used), dtype=np.int32), used)
    index = pd.DatetimeIndex(used.index.to_numpy(), name="date").as_unit("us")
    return Level("date", index, codes[level.codes])


def cut_periods(
    days: pd.DatetimeIndex, freq: Period
) -> dict[pd.Timestamp, tuple[int, int]]:
    """Return the labels of the periods that the first or the last day cuts.

    Returns
    -------
    dict
        Label → how many of its days are there, and how many the whole period has.

    Examples
    --------
    >>> cut_periods(pd.date_range("2026-03-02", "2026-03-17"), "W")
    {Timestamp('2026-03-22 00:00:00'): (2, 7)}
    """
    if freq is None or not len(days):
        return {}
    offset = _offset(freq)
    labels = binned(Level("date", days, np.arange(len(days))), freq).labels
    by_end, found = _labelled_by_end(offset), {}
    for label in (labels[0], labels[-1]):
        start = label - offset + _DAY if by_end else label
        end = label if by_end else label + offset - _DAY
        held = min(end, days[-1]) - max(start, days[0]) + _DAY
        whole = end - start + _DAY
        if held < whole:
            found[label] = (held.days, whole.days)
    return found


def _labelled_by_end(offset: pd.offsets.BaseOffset) -> bool:
    """Tell whether pandas calls such a period by its last day, as it does weeks."""
    inside = [day for day in _PROBES if not offset.is_on_offset(day)]
    if not inside:
        return False
    return bool(pd.Series(1, inside[:1]).resample(offset).size().index[0] > inside[0])


def is_cut(level: Level, cut: Collection[pd.Timestamp]) -> Bools:
    """Tell which codes of a level of periods are of one that is cut."""
    return np.asarray(level.labels.isin([*cut]))[level.codes]


def _offset(freq: str | pd.offsets.BaseOffset) -> pd.offsets.BaseOffset:
    said = _SAID.get(freq.lower()) if isinstance(freq, str) else None
    try:
        offset = pd.tseries.frequencies.to_offset(freq)
    except (TypeError, ValueError) as error:
        hint = f"; did you mean {said!r}?" if said else f": {error}"
        raise ValueError(f"freq={freq!r} is no period{hint}") from None
    finer = isinstance(offset, pd.offsets.Tick) and offset.nanos % _DAY_NS
    if offset is None or finer or offset.n < 1:
        raise ValueError(
            f"freq={freq!r} is no whole number of days; the data are daily, pass 'D', "
            "'W', 'MS' or longer"
        )
    return offset
