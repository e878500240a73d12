"""Sums over days, channels and variations: exact, and only where they make sense."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from .columns import Bools, Column, Values, sum_runs
from .errors import NonAdditiveWarning
from .grains import Level, levels_of, stats_of
from .metrics import STAT, STAT_RANK
from .packing import Ints

_DAY_NS = 86_400 * 10**9


class _Groups(NamedTuple):
    """Rows in the order of their groups, and where each group starts."""

    order: Ints
    starts: Ints

    def sums(self, stat: str, values: Values) -> Values:
        """Sum exactly within each group."""
        ordered = values[self.order]
        return (
            sum_runs(stat, ordered, self.starts, lambda _: "")
            if len(ordered)
            else ordered
        )

    def any(self, flags: Bools) -> Bools:
        """Tell whether any row of a group is flagged."""
        ordered = flags[self.order]
        return np.logical_or.reduceat(ordered, self.starts) if len(ordered) else ordered


def totals(
    df: pd.DataFrame,
    by: str | Sequence[str] | None = None,
    freq: str | pd.offsets.BaseOffset | None = None,
) -> pd.DataFrame:
    """Sum stats over days, and over the levels that are not in ``by``.

    Parameters
    ----------
    df : DataFrame
        The variation or the campaign grain.
    by : str or list of str, optional
        Levels to keep: any of ``campaign``, ``channel``, ``variation``. None keeps all
        that the frame has, ``[]`` gives one total.
    freq : str or DateOffset, optional
        Also a row for each period, of a day or longer: ``"D"``, ``"W"``, ``"MS"``, ….
        None sums the whole time.

    Returns
    -------
    DataFrame
        Index: ``by``; with ``freq`` (``campaign``,) ``date``, then the rest of ``by``;
        ``date`` is pandas' label of the period, and periods without rows are left out.
        Columns: the stats, counts Int64, amounts Float64 (``revenue`` in USD); ``<NA>``
        where no row gave the stat.

    Raises
    ------
    FrameError
        The frame is not ours, or a row stands in it twice.
    ValueError
        ``by`` names no level of the frame; ``freq`` is none or finer than a day.
    PayloadError
        A sum of counts does not fit in 64 bits.

    Warns
    -----
    NonAdditiveWarning
        Unique counts of several channels: the same person may be in each of them, so
        their sum would mean nothing and is ``<NA>``.

    Notes
    -----
    Unique counts are added over days, as Braze's own figures are: the sum of daily
    ``unique_recipients`` counts a person once for each day. Over campaigns it counts
    campaign-recipient pairs. Source: Braze docs, metrics_glossary.md @88e1706.

    Examples
    --------
    >>> import braze_frames as bf
    >>> days = [
    ...     {"time": f"2026-03-0{n}",
    ...      "messages": {"email": [{"variation_name": "A", "sent": n, "opens": 1}]}}
    ...     for n in (1, 2)
    ... ]
    >>> bf.read_braze_series({"data": days}).braze.totals()
                       sent  opens
    channel variation
    email   A             3      2
    """
    levels = {level.name: level for level in levels_of(df)}
    keep = _kept_levels(levels, by)
    if freq is not None:
        levels["date"] = _binned(levels["date"], freq)
        place = 1 if keep[:1] == ["campaign"] else 0
        keep.insert(place, "date")
    kept = [levels[name] for name in keep]
    groups = _groups(kept, len(df))
    columns = _summed(stats_of(df), groups, levels.get("channel"))
    return pd.DataFrame(columns, index=_index(kept, groups))


def _summed(
    stats: dict[str, pd.Series], groups: _Groups, channel: Level | None
) -> dict[str, pd.api.extensions.ExtensionArray]:
    columns, refused = {}, []
    for name, series in sorted(stats.items(), key=_rank):
        values, given = _arrays(series)
        counted = groups.any(given)
        if channel is not None and name in STAT and STAT[name].unique:
            mixed = _several_channels(channel, groups, given)
            counted &= ~mixed
            refused += [name] if mixed.any() else []
        columns[name] = Column(groups.sums(name, values), ~counted).array()
    _warn_of_unique(refused)
    return columns


def _groups(levels: Sequence[Level], size: int) -> _Groups:
    codes = np.zeros(size, dtype=np.int64)
    for level in levels:
        codes = codes * max(len(level.labels), 1) + level.codes
    order = np.argsort(codes, kind="stable")
    new = np.diff(codes[order], prepend=-1) != 0
    return _Groups(order, np.flatnonzero(new))


def _index(levels: Sequence[Level], groups: _Groups) -> pd.Index:
    first = groups.order[groups.starts]
    if not levels:
        return pd.RangeIndex(len(first))
    parts = [level.labels.take(level.codes[first]) for level in levels]
    if len(parts) == 1:
        return parts[0]
    return pd.MultiIndex.from_arrays(parts, names=[level.name for level in levels])


def _kept_levels(levels: dict[str, Level], by: str | Sequence[str] | None) -> list[str]:
    known = [name for name in levels if name != "date"]
    if by is None:
        return known
    keep = [by] if isinstance(by, str) else list(dict.fromkeys(by))
    for name in keep:
        if name not in known:
            raise ValueError(
                f"by={name!r} is no level of this frame; it has "
                f"{', '.join(known) or 'none but date (use freq=)'}"
            )
    return keep


def _binned(level: Level, freq: str | pd.offsets.BaseOffset) -> Level:
    days = pd.Series(np.arange(len(level.labels)), index=level.labels)
    codes = np.empty(len(days), dtype=np.int64)
    labels: list[pd.Timestamp] = []
    for label, inside in days.resample(_offset(freq)):
        if len(inside):
            codes[inside.to_numpy()] = len(labels)
            labels.append(pd.Timestamp(label))  # type: ignore[arg-type]
    index = pd.DatetimeIndex(labels, name="date").as_unit("us")
    return Level("date", index, codes[level.codes])


def _offset(freq: str | pd.offsets.BaseOffset) -> pd.offsets.BaseOffset:
    try:
        offset = pd.tseries.frequencies.to_offset(freq)
    except (TypeError, ValueError) as error:
        raise ValueError(f"freq={freq!r} is no period: {error}") from None
    finer = isinstance(offset, pd.offsets.Tick) and offset.nanos % _DAY_NS
    if offset is None or finer or offset.n < 1:
        raise ValueError(
            f"freq={freq!r} is no whole number of days; the data are daily, pass 'D', "
            "'W', 'MS' or longer"
        )
    return offset


def _arrays(series: pd.Series) -> tuple[Values, Bools]:
    given = series.notna().to_numpy()
    floats = pd.api.types.is_float_dtype(series.dtype)
    dtype = np.dtype("f8") if floats else np.dtype("i8")
    return series.to_numpy(dtype=dtype, na_value=0), given


def _several_channels(channel: Level, groups: _Groups, given: Bools) -> Bools:
    """Tell in which groups two or more channels carry a value."""
    codes = range(len(channel.labels))
    found = [groups.any(given & (channel.codes == code)) for code in codes]
    return np.sum(found, axis=0) > 1 if found else groups.any(given)


def _rank(stat: tuple[str, object]) -> tuple[int, str]:
    return STAT_RANK.get(stat[0], len(STAT)), stat[0]


def _warn_of_unique(stats: Sequence[str]) -> None:
    if stats:
        warnings.warn(
            f"{', '.join(stats)} count people, who may be in several channels: not "
            'added over channels (<NA>). Keep the channels apart with by="channel", or '
            'read the day totals with grain="campaign"',
            NonAdditiveWarning,
            stacklevel=4,
        )
