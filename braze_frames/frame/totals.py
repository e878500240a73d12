"""Sums of stats: exact, and only where they make sense."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Bools, Column
from braze_frames.core.parts import Elsewhere, answered
from braze_frames.frame.by import By, Period, kept_levels
from braze_frames.frame.groups import Groups, Tally, arrays
from braze_frames.frame.levels import levels_of, summed_stats
from braze_frames.frame.provenance import labelled, left_out_attrs, settled_day
from braze_frames.frame.sums import (
    Sums,
    finest,
    in_several_channels,
    known_days,
    left_out,
    merge,
    spread_campaigns,
    warn_of_sums,
)
from braze_frames.schema.channels import STAT, STAT_RANK, is_day_total
from braze_frames.schema.units import Unit, metric_unit


def totals(
    df: pd.DataFrame,
    by: By = None,
    freq: Period = None,
    *,
    whole: bool = False,
) -> pd.DataFrame:
    """Sum stats over days, and over the levels that are not in ``by``.

    Parameters
    ----------
    df : DataFrame
        The variation or the campaign grain.
    by : str, Series or list of them, optional
        What to keep apart: any of ``campaign``, ``channel``, ``variation``; or
        ``"weekday"`` (Mon to Sun); a level or column of your own that holds no numbers,
        as after ``df.join(owners, on="campaign")``; a Series of the frame's rows. None
        keeps the first three, ``[]`` gives one total.
    freq : str or DateOffset, optional
        Also a row for each period, of a day or longer: ``"D"``, ``"W"``, ``"MS"``, ….
        None sums the whole time.
    whole : bool, optional
        Leave out the periods that the frame's first or last day cuts;
        ``attrs["braze"]["partial"]`` lists them otherwise.

    Returns
    -------
    DataFrame
        Index: ``by``; with ``freq`` (``campaign``,) ``date``, then the rest of ``by``;
        ``date`` is pandas' label of the period (a week is called by its Sunday, a month
        of ``"MS"`` by its first day), and periods without rows are left out. Columns:
        the stats, counts Int64, ``revenue`` Float64 in USD, to the cent; ``<NA>`` where
        no row gave the stat. Your own columns are left out, save Int64 ones.

    Raises
    ------
    FrameError
        The frame is not ours, or a row stands in it twice.
    ValueError
        ``by`` is no level of the frame, holds numbers, or is a Series of other rows;
        ``freq`` is none or finer than a day, or missing with ``whole``.
    PayloadError
        A sum of counts does not fit in 64 bits.

    Warns
    -----
    NonAdditiveWarning
        Unique counts of several channels: the same person may be in each of them, so
        their sum would mean nothing and is ``<NA>``. Day totals (conversions,
        recipients, revenue) of campaigns on several channels: they stand in no
        variation, so a sum over campaigns would leave them out and is ``<NA>``.

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
    return answered(df, TotalsSteps(by, freq, whole))


class TotalsSteps(NamedTuple):
    """The steps of ``totals``."""

    by: By = None
    freq: Period = None
    whole: bool = False

    @property
    def needs_whole_campaigns(self) -> bool:
        """Sums add up however the rows are cut."""
        return False

    def partial(self, df: pd.DataFrame, elsewhere: Elsewhere | None = None) -> Sums:
        """Sum the stats of a part."""
        levels = {level.name: level for level in levels_of(df)}
        kept = kept_levels(df, levels, self.by, self.freq)
        stats, size = summed_stats(df), len(df)
        apart, doubtful = spread_campaigns(kept, levels, stats, size, elsewhere)
        groups = finest(kept, levels, apart, size)
        tally = Tally(groups.codes, groups.count)
        columns = {
            name: tally.column(name, *arrays(one)) for name, one in stats.items()
        }
        days = known_days(levels["date"])
        return Sums(groups, columns, days, self.freq, settled_day(df), doubtful)

    def merge(self, parts: Sequence[Sums]) -> Sums:
        """Add up the sums of parts."""
        return merge(parts)

    def finish(self, part: Sums) -> pd.DataFrame:
        """Return the table of the whole; warn of what was not added up."""
        part = part.judged(part.columns)
        sums = part.whole() if self.whole else part
        asked = sums.asked()
        found = dict(sorted(sums.columns.items(), key=_rank))
        # Where each group stands alone nothing is added up, and nothing left out.
        wrong: dict[str, dict[str, Bools]] = {}
        if asked.count < sums.groups.count:
            found, wrong = _added_up(found, sums.groups, asked)
        columns = {name: _cell(column) for name, column in found.items()}
        table = pd.DataFrame(columns, index=asked.index())
        units: dict[str, Unit] = {
            name: metric_unit(name) or "count" for name in columns
        }
        why = left_out_attrs(table.index, wrong)
        return labelled(table, part.about(units, whole=self.whole) | why)


def _added_up(
    found: Mapping[str, Column], fine: Groups, asked: Groups
) -> tuple[dict[str, Column], dict[str, dict[str, Bools]]]:
    """Add sums up; missing, with a warning, where they would mislead, and where."""
    tally = Tally(asked.codes, asked.count)
    columns: dict[str, Column] = {}
    people: dict[str, Bools] = {}
    totals: dict[str, Bools] = {}
    apart: dict[str, list[str]] = {}
    for name, (values, missing) in found.items():
        column = tally.column(name, values, None if not missing.any() else ~missing)
        wrong = np.zeros(asked.count, dtype=bool)
        if name in STAT and STAT[name].unique:
            wrong = people[name] = in_several_channels(fine, asked, ~missing)
        if is_day_total(name):
            totals[name], campaigns = left_out(fine, asked, ~missing)
            apart |= {name: campaigns} if campaigns else {}
            wrong = wrong | totals[name]
        columns[name] = Column(
            np.where(wrong, 0, column.values), column.missing | wrong
        )
    refused = [name for name, where in people.items() if where.any()]
    warn_of_sums(refused, apart, "a sum would leave them out (<NA>)")
    return columns, {"people": people, "totals": totals}


def _cell(column: Column) -> pd.api.extensions.ExtensionArray:
    """Return sums, amounts to the cent."""
    if column.values.dtype == np.float64:
        # The order of adding shows in the last bits, and in no cent.
        column = column._replace(values=np.round(column.values, 2))
    return column.array()


def _rank(stat: tuple[str, object]) -> tuple[int, str]:
    return STAT_RANK.get(stat[0], len(STAT)), stat[0]
