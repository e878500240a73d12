"""What a reader sees of a picture: its lines, bands, bars, texts and legends."""

import re
import warnings

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.dates import date2num, num2date
from matplotlib.text import Text

import braze_frames as bf

METRIC = "conversion_rate_by_send_time"
STAT = "conversions_by_send_time"
MISSING = "Glyph .* missing from|Matplotlib currently does not support .* natively"


def panels(picture):
    """Return the Axes of a picture in a list."""
    return [picture] if isinstance(picture, Axes) else list(picture)


def drawn(picture):
    """Draw a picture, in which letters may be missing from the font; return it."""
    figure = panels(picture)[0].figure
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=MISSING)
        figure.canvas.draw()
    return picture


def quiet(ask, *args, **options):
    """Compare or draw without warnings of statistics."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.StatisticsWarning)
        return ask(*args, **options)


def legends(picture):
    """Return all legends of a picture: of its figure, and of its panels."""
    axes = panels(picture)
    found = [ax.get_legend() for ax in axes] + axes[0].figure.legends
    return [legend for legend in found if legend is not None]


def entries(picture):
    """Return the legends' entries: (text, handle)."""
    return [
        (text.get_text(), handle)
        for legend in legends(picture)
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
    ]


def entry_texts(picture):
    """Return what the legends say."""
    return [text for text, _ in entries(picture)]


def sign(artist):
    """Return how a line, or its entry in the legend, looks."""
    return to_hex(artist.get_color()), artist.get_marker()


def line_of(ax, name):
    """Return the line in a panel that looks as the legend says of a name."""
    (handle,) = [handle for text, handle in entries(ax) if text == name]
    (line,) = [line for line in ax.lines if sign(line) == sign(handle)]
    return line


def bands_of(ax, name):
    """Return the bands in the colour that the legend gives to a name."""
    (color,) = [sign(handle)[0] for text, handle in entries(ax) if text == name]
    return bands_by_color(ax, color)


def bands_by_color(ax, color):
    """Return the bands of a colour, in the order in which they were drawn."""
    bands = [one for one in ax.collections if isinstance(one, PolyCollection)]
    return [one for one in bands if to_hex(one.get_facecolor()[0]) == color]


def edges(band):
    """Return from where to where a band or an area reaches on each day."""
    points = np.concatenate([path.vertices for path in band.get_paths()])
    table = pd.DataFrame(points, columns=["day", "value"]).groupby("day")["value"]
    ends = table.agg(["min", "max"])
    ends.index = pd.DatetimeIndex([num2date(day).date() for day in ends.index])
    return ends


def segments(ax):
    """Return the straight lines of a panel: ((x, y), (x, y)) each."""
    lines = [one for one in ax.collections if isinstance(one, LineCollection)]
    parts = [one for line in lines for one in line.get_segments()]
    return [tuple(map(tuple, part)) for part in parts if len(part)]


def days_of(line):
    """Return the days of a line."""
    return pd.DatetimeIndex(line.get_xdata())


def span_of(ax):
    """Return from when to when days are shaded."""
    (patch,) = ax.patches
    left = patch.get_x()
    return left, left + patch.get_width()


def number_of(day):
    """Return where a day stands on an axis of dates."""
    return float(date2num(pd.Timestamp(day).to_pydatetime()))


def written(ax):
    """Return the texts that stand in or beside a panel, but on no axis."""
    return [text.get_text() for text in ax.texts if text.get_text()]


def flat(text):
    """Return a text in one line."""
    return " ".join(text.split())


def every_text(picture):
    """Return all texts of a drawn picture that are seen."""
    found = panels(picture)[0].figure.findobj(Text)
    return [text for text in found if text.get_visible() and text.get_text()]


def ticks(axis):
    """Return the labels of an axis of a drawn picture."""
    return [text.get_text() for text in axis.get_ticklabels() if text.get_text()]


def contrast(one, other):
    """Return how far apart two colours are, at least, in red, green or blue."""
    return max(abs(a - b) for a, b in zip(to_rgb(one), to_rgb(other), strict=True))


def zero_line(ax):
    """Return the line of no lift, which crosses the whole panel."""
    points = {line: line.get_xydata().tolist() for line in ax.lines}
    ends = ([[0, 0], [0, 1]], [[0, 0], [1, 0]])
    (line,) = [line for line, found in points.items() if found in ends]
    return line


def shows(ax):
    """Tell whether anything but words is drawn in a panel."""
    return bool(ax.lines or ax.collections or ax.patches)


def percent_in(text):
    """Return the share that a text gives in percent, and what it is of."""
    found = re.fullmatch(r"([\d,]+) \(([\d.]+) % of (\w+)\)", text)
    return float(found[1].replace(",", "")), float(found[2]) / 100, found[3]


WAYS = {
    "rates": lambda df, **o: df.braze.plot.rates(METRIC, **o),
    "totals": lambda df, **o: df.braze.plot.totals(STAT, **o),
    "stacked": lambda df, **o: df.braze.plot.totals(STAT, kind="stacked", **o),
    "funnel": lambda df, **o: df.braze.plot.funnel(**o),
    "lift": lambda df, **o: quiet(df.braze.plot.lift, METRIC, **o),
    "lift_over_time": lambda df, **o: quiet(df.braze.plot.lift_over_time, METRIC, **o),
}
