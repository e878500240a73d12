"""Rates and totals along days: lines; along periods and weekdays: bars."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from braze_frames.core.arguments import check_choice, check_share, nearest
from braze_frames.core.numbers import percent
from braze_frames.drawing.figure import PanelKey, Picture, Setting, Words, blank
from braze_frames.drawing.lines import TOP, Line
from braze_frames.errors import FrameError, NonAdditiveWarning, listed
from braze_frames.frame.by import By
from braze_frames.frame.levels import labels as labels_in
from braze_frames.frame.levels import stats_of, summed_stats
from braze_frames.frame.rates import RateErrors
from braze_frames.frame.rates import rates as _rates
from braze_frames.frame.totals import totals as _totals
from braze_frames.plots.parts import (
    PictureParts,
    nothing_of,
    unit_in,
)
from braze_frames.schema.formulas import Definition, custom, define
from braze_frames.wording.labels import (
    Labels,
    about,
    formula_words,
    owners_of,
    owners_of_rates,
)
from braze_frames.wording.periods import Freq

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from braze_frames.drawing.figure import Pictured

TotalsKind = Literal["lines", "stacked"]


def plot_rates(
    df: pd.DataFrame,
    metric: str | Mapping[str, tuple[str, str]],
    by: By = "variation",
    freq: Freq | None = None,
    *,
    ci: float | None = 0.95,
    se: RateErrors = "auto",
    whole: bool = False,
    top: int = TOP,
    ax: "Axes | None" = None,
    title: str | None = None,
    labels: Mapping[str, str] | None = None,
    figsize: tuple[float, float] | None = None,
) -> "Pictured":
    """Draw a rate along days: a line for each variation, with its interval.

    Parameters
    ----------
    df : DataFrame
        The variation or the campaign grain.
    metric : str or mapping
        A name of ``bf.glossary()``; or one name of your own → ``(numerator,
        denominator)``, as in ``rates``.
    by : str or list, optional
        The levels whose labels make lines, as in ``rates``; ``[]`` is one line. A
        variation is one of its campaign and channel: with ``"variation"`` these become
        panels. Else a panel holds what is of the same channels, as their rates differ
        by much. ``"weekday"`` draws bars.
    freq : str or DateOffset, optional
        The period of a point, as in ``rates``; None is a day, save with ``"weekday"``
        and ``whole``.
    ci : float, optional
        The confidence level of the bands, drawn for up to three lines; None draws none.
    se, whole
        As in ``rates``.
    top : int
        So many lines of a panel have a colour and a name, the largest by what is
        divided by; the others are grey.
    ax : Axes, optional
        Where to draw; None makes a figure with a head and a foot.
    title : str, optional
        In place of ours; ``""`` is none.
    labels : mapping, optional
        Campaign, channel, variation or metric → what is written for it.
    figsize : tuple of float, optional
        Width and height in inches.

    Returns
    -------
    Axes or ndarray of Axes
        The Axes of one panel; an array where there are several, each with a scale of
        its own. The lines hold what ``rates`` returns: shares, or USD for
        ``revenue_per_recipient``; from where days still grow they are dashed lines of
        their own. ``ax.get_figure().get_label()`` says what it shows.

    Raises
    ------
    ValueError
        Several panels and one ``ax``; several metrics; ``labels`` of names that are not
        there; ``top`` or ``figsize`` are none; else as in ``rates``.
    FrameError
        As in ``rates``.

    Notes
    -----
    Days after ``settled_until`` of the frame's attrs still grow. Periods that the
    frame's first or last day cuts are hollow. Channels without such a rate are left
    out. Limits of intervals that are far out may lie outside the view.

    Examples
    --------
    >>> import braze_frames as bf
    >>> entry = {"variation_name": "A", "delivered": 40, "unique_opens": 9}
    >>> day = {"time": "2026-03-01", "messages": {"email": [entry]}}
    >>> ax = bf.read_braze_series({"data": [day]}).braze.plot.rates("unique_open_rate")
    >>> ax.lines[0].get_ydata().tolist()
    [0.225]
    """
    check_share("ci", ci)
    setting = Setting(ax, title, figsize)
    name, asked = _one(metric)
    defined = _defined(df, asked)
    parts = PictureParts(df, by, freq, whole=whole)
    table = _rates(df, asked, parts.levels, parts.freq, ci=ci, se=se, whole=whole)
    names = Labels(df, labels, [name, *parts.labels(table)])
    said = f"{names.word(name)} by {parts.unit}"
    lines = _rate_lines(df, table, parts, defined)
    if not lines:
        return blank(df, said, nothing_of(df), setting)
    series = parts.series(lines, names, table, top)
    picture = Picture(df, parts.panels, list(series.panels()), setting)
    nothing = f"no value of {names.inside(name)} here"
    notes = parts.draw(picture, series, table, nothing, stacked=False)
    if ci is not None and any(one.collections for one in picture.axes):
        what = "Thin lines" if parts.weekday else "Bands"
        notes.insert(0, f"{what}: {percent(ci)} intervals.")
    drawn = owners_of_rates(df, defined)
    whom = about(df, names, formula_words(defined), owners=drawn)
    return parts.finish(picture, series, names, Words(said, whom), notes)


def plot_totals(
    df: pd.DataFrame,
    stats: str | Sequence[str],
    by: By = "variation",
    freq: Freq | None = None,
    *,
    kind: TotalsKind | None = None,
    whole: bool = False,
    top: int = TOP,
    ax: "Axes | None" = None,
    title: str | None = None,
    labels: Mapping[str, str] | None = None,
    figsize: tuple[float, float] | None = None,
) -> "Pictured":
    """Draw sums: lines along days, bars for longer periods.

    Parameters
    ----------
    df : DataFrame
        The variation or the campaign grain.
    stats : str or list of str
        Columns of the frame. Several of one unit make a line each.
    by, freq
        As in ``rates``; with ``by`` that holds no ``"variation"`` there is one panel,
        and ``[]`` draws the one total.
    kind : {"lines", "stacked"}, optional
        "stacked" puts bars on top of each other, the largest at the bottom; what was
        not given adds nothing. None: lines for days and for several stats, else bars;
        weekdays have bars side by side where these are not stacked.
    whole
        As in ``totals``.
    top, ax, title, labels, figsize
        As in ``plot.rates``; in bars the others are one part, in grey.

    Returns
    -------
    Axes or ndarray of Axes
        The Axes of one panel; an array where there are several. They hold what
        ``totals`` returns.

    Raises
    ------
    FrameError
        The frame has no such stat.
    ValueError
        Several panels and one ``ax``; ``kind`` is none of its choices; several stats
        are of different units, or stacked; else as in ``totals`` and ``plot.rates``.

    Examples
    --------
    >>> import braze_frames as bf
    >>> day = {"time": "2026-03-01", "messages": {"email": [{"sent": 40}]}}
    >>> ax = bf.read_braze_series({"data": [day]}).braze.plot.totals("sent")
    >>> ax.lines[0].get_ydata().tolist()
    [40.0]
    """
    check_choice("kind", kind, (*get_args(TotalsKind), None))
    setting = Setting(ax, title, figsize)
    columns = [stats] if isinstance(stats, str) else list(stats)
    _check_stats(df, columns)
    if kind == "stacked" and len(columns) > 1:
        raise ValueError(
            f"kind='stacked' adds up parts of one stat, and {listed(columns)} are "
            "several; draw one stat at a time"
        )
    parts = PictureParts(df, by, freq, whole=whole)
    table = _totals(df, parts.levels, parts.freq, whole=whole)[columns]
    names = Labels(df, labels, [*columns, *parts.labels(table)])
    said = listed([names.word(name) for name in columns])
    unit = "USD" if unit_in(table) == "USD" else ""
    whom = about(df, names, unit, owners=owners_of(df, df[columns].notna().any(axis=1)))
    words = Words(f"{said} by {parts.unit}", whom)
    lines = _total_lines(table, columns, parts)
    if not lines:
        return blank(df, words.title, nothing_of(df), setting)
    series = parts.series(lines, names, table, top)
    picture = Picture(df, parts.panels, list(series.panels()), setting)
    alone = len(columns) == 1
    stacked = kind == "stacked" or (kind is None and parts.unit != "day" and alone)
    nothing = f"no value of {' and '.join(map(names.inside, columns))} here"
    notes = parts.draw(picture, series, table, nothing, stacked=stacked)
    return parts.finish(picture, series, names, words, notes)


def _one(
    metric: str | Mapping[str, tuple[str, str]],
) -> tuple[str, list[str] | Mapping[str, tuple[str, str]]]:
    """Return a metric's name, and what to ask ``rates`` for."""
    if isinstance(metric, str):
        return metric, [metric]
    names = list(metric)
    if len(names) != 1:
        raise ValueError(
            f"metric={names!r}: a picture shows one metric; draw each by itself"
        )
    return names[0], metric


def _defined(
    df: pd.DataFrame, asked: Sequence[str] | Mapping[str, tuple[str, str]]
) -> dict[str, Definition]:
    """Return the metric's definition in each channel that has it."""
    channels = labels_in(df, "channel") or [""]
    if isinstance(asked, Mapping):
        (pair,) = asked.values()
        return custom(pair, channels, stats_of(df))
    return define(asked[0], channels if len(df) else [])


def _rate_lines(
    df: pd.DataFrame,
    table: pd.DataFrame,
    parts: PictureParts,
    defined: Mapping[str, Definition],
) -> list[Line]:
    """Return the lines of a rate; channels that have no such rate have none."""
    channels = _channels_of(df, parts, defined)
    sizes = _sizes(df, parts, defined)
    lines = []
    for panel, name, rows in parts.split(table):
        of = dict(zip([*parts.panels, *parts.lines], (*panel, *name), strict=True))
        if of.get("channel", "") not in defined and "channel" in of:
            continue
        here = channels.get(of.get("campaign", "")) if channels else panel
        if here is None:
            continue
        columns = [rows[column].to_numpy(dtype="float64") for column in table.columns]
        line = Line(here, name, parts.axis(rows), *columns)
        lines.append(line._replace(size=sizes.get((*panel, *name), 0.0)))
    full = {line.panel for line in lines if not line.empty}
    return [line for line in lines if line.panel in full] or lines


def _channels_of(
    df: pd.DataFrame, parts: PictureParts, defined: Mapping[str, Definition]
) -> dict[str, PanelKey]:
    """Return campaign → its channels that have the rate, where lines are campaigns."""
    if parts.lines != ["campaign"] or parts.panels or "" in defined:
        return {}
    pairs = df.reset_index()[["campaign", "channel"]].drop_duplicates()
    found: dict[str, PanelKey] = {}
    for campaign, channel in pairs.itertuples(index=False):
        if channel in defined:
            found[campaign] = (*found.get(campaign, ()), channel)
    return {campaign: tuple(sorted(one)) for campaign, one in found.items()}


def _sizes(
    df: pd.DataFrame, parts: PictureParts, defined: Mapping[str, Definition]
) -> dict[PanelKey, float]:
    """Return how much each line divides by, in all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonAdditiveWarning)  # ``rates`` has said so
        sums = _totals(df, parts.levels)
    stats = {stat for one in defined.values() for stat in one.denominator.stats[:1]}
    columns = [stat for stat in sums if stat in stats]
    size = sums[columns].astype("Float64").max(axis=1).fillna(0.0)
    return {
        tuple(map(str, key if isinstance(key, tuple) else (key,))): float(value)
        for key, value in size.items()
    }


def _total_lines(
    table: pd.DataFrame, columns: Sequence[str], parts: PictureParts
) -> list[Line]:
    lines = []
    for panel, name, rows in parts.split(table):
        for stat in columns:
            own = (stat, *name) if len(columns) > 1 else name
            values = rows[stat].to_numpy(dtype="float64", na_value=np.nan)
            size = float(np.nansum(values))
            lines.append(Line(panel, own, parts.axis(rows), values, size=size))
    return lines


def _check_stats(df: pd.DataFrame, names: Sequence[str]) -> None:
    known = summed_stats(df)
    if not names:
        raise ValueError(f"stats=[] draws nothing; this frame has {', '.join(known)}")
    for name in names:
        if name not in known:
            raise FrameError(
                f"{name!r} is no stat of this frame ({nearest(name, known)}); it has "
                f"{', '.join(known) or 'none'}"
            )
