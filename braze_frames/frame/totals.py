"""Sums of stats: exact, and only where they make sense."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Bools, Column
from braze_frames.errors import NonAdditiveWarning, warn
from braze_frames.frame.groups import Groups, Selection, Tally, arrays, grouped
from braze_frames.frame.levels import Level, levels_of, stats_of
from braze_frames.frame.provenance import Unit, labelled, settled_attrs_of
from braze_frames.schema.channels import STAT, STAT_RANK, STATS


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
    groups = grouped(levels, by, freq, len(df))
    kept = [level.name for level in groups.levels]
    channel = None if "channel" in kept else levels.get("channel")
    columns = _summed(stats_of(df), groups, channel)
    table = pd.DataFrame(columns, index=groups.index())
    about = {"units": _units(columns)}
    return labelled(table, about | settled_attrs_of(df, levels["date"], freq))


def _units(columns: Iterable[str]) -> dict[str, Unit]:
    amounts = {stat.name for stat in STATS if stat.dtype == "Float64"}
    return {name: "USD" if name in amounts else "count" for name in columns}


def _summed(
    stats: dict[str, pd.Series], groups: Groups, channel: Level | None
) -> dict[str, pd.api.extensions.ExtensionArray]:
    columns, refused = {}, []
    tally = Tally(groups.codes, groups.count)
    for name, series in sorted(stats.items(), key=_rank):
        values, given = arrays(series)
        selection = tally.select(given)
        counted = selection.found
        if channel is not None and name in STAT and STAT[name].unique:
            mixed = _several_channels(channel, groups, selection)
            counted = counted & ~mixed
            refused += [name] if mixed.any() else []
        sums = tally.sum(name, values, selection)
        columns[name] = Column(np.where(counted, sums, 0), ~counted).array()
    warn_of_unique(refused)
    return columns


def _several_channels(channel: Level, groups: Groups, selection: Selection) -> Bools:
    """Tell in which groups two or more channels carry a value."""
    several = len(channel.labels)
    found = np.zeros(groups.count * several, dtype=bool)
    found[selection.codes * several + selection.of(channel.codes)] = True
    return np.asarray(found.reshape(groups.count, several).sum(axis=1) > 1)


def _rank(stat: tuple[str, object]) -> tuple[int, str]:
    return STAT_RANK.get(stat[0], len(STAT)), stat[0]


def warn_of_unique(stats: Sequence[str]) -> None:
    """Warn once of unique counts that several channels would add."""
    if stats:
        warn(
            f"{', '.join(stats)} count people, who may be in several channels: not "
            'added over channels (<NA>). Keep the channels apart with by="channel", or '
            'read the day totals with grain="campaign"',
            NonAdditiveWarning,
        )
