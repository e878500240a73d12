"""What a reader sees of a picture: its lines, bands, bars and texts."""

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


def figure_of(picture):
    """Return the figure of a picture."""
    return panels(picture)[0].get_figure()


def drawn(picture):
    """Draw a picture, in which letters may be missing from the font; return it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=MISSING)
        figure_of(picture).canvas.draw()
    return picture


def quiet(ask, *args, **options):
    """Compare or draw without warnings of statistics."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.StatisticsWarning)
        return ask(*args, **options)


def unescaped(text):
    """Return a text as matplotlib draws it, where it is no formula."""
    return text.replace("\\$", "$")


def named(ax):
    """Return what the lines, bars and areas of a panel are called: name → colour."""
    handles, names = ax.get_legend_handles_labels()
    return {
        unescaped(name): color_of(handle)
        for handle, name in zip(handles, names, strict=True)
    }


def color_of(handle):
    """Return the colour of a line, of bars or of an area."""
    if hasattr(handle, "get_color"):
        return to_hex(handle.get_color())
    first = handle.patches[0] if hasattr(handle, "patches") else handle
    return to_hex(np.atleast_2d(first.get_facecolor())[0])


def line_of(ax, name):
    """Return the days and values of a line, solid and dashed parts joined."""
    parts = parts_of(ax, name)
    table = pd.concat(
        [
            pd.Series(part.get_ydata(), pd.DatetimeIndex(part.get_xdata()))
            for part in parts
        ]
    )
    return table[~table.index.duplicated()]


def parts_of(ax, name):
    """Return the lines of a name, in the order of days."""
    color = named(ax)[name]
    return [
        line
        for line in ax.lines
        if to_hex(line.get_color()) == color
        and line.get_linestyle() != "None"
        and line.get_linewidth() >= 1
    ]


def bands_of(ax, name):
    """Return the bands in the colour of a name."""
    bands = [one for one in ax.collections if isinstance(one, PolyCollection)]
    color = named(ax)[name]
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


def number_of(day):
    """Return where a day stands on an axis of dates."""
    return float(date2num(pd.Timestamp(day).to_pydatetime()))


def written(ax):
    """Return the texts that stand in or beside a panel, but on no axis."""
    return [unescaped(text.get_text()) for text in ax.texts if text.get_text()]


def flat(text):
    """Return a text in one line."""
    return " ".join(text.split())


def every_text(picture):
    """Return all texts of a drawn picture that are seen."""
    found = figure_of(picture).findobj(Text)
    return [text for text in found if text.get_visible() and text.get_text()]


def seen_texts(picture):
    """Return the texts but of ticks beyond the view, which are not drawn."""
    hidden = set()
    for ax in figure_of(picture).axes:
        for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            low, high = sorted(limits)
            for tick in axis.get_major_ticks():
                if not low <= tick.get_loc() <= high:
                    hidden |= {tick.label1, tick.label2}
    return [text for text in every_text(picture) if text not in hidden]


def title(picture):
    """Return what stands above a picture."""
    return flat(unescaped(figure_of(picture).get_suptitle()))


def around(picture):
    """Return the lines below the title and below the panels."""
    texts = [flat(unescaped(text.get_text())) for text in figure_of(picture).texts]
    return [text for text in texts if text != title(picture)]


def foot(picture):
    """Return the notes below the panels."""
    lowest = min(figure_of(picture).texts, key=lambda text: text.get_position()[1])
    return flat(unescaped(lowest.get_text()))


def ticks(axis):
    """Return the labels of an axis of a drawn picture."""
    return [text.get_text() for text in axis.get_ticklabels() if text.get_text()]


def contrast(one, other):
    """Return how far apart two colours are, at least, in red, green or blue."""
    return max(abs(a - b) for a, b in zip(to_rgb(one), to_rgb(other), strict=True))


def zero_line(ax):
    """Return the line of no lift, which crosses the whole panel."""
    points = {line: np.asarray(line.get_xydata()).tolist() for line in ax.lines}
    ends = ([[0, 0], [0, 1]], [[0, 0], [1, 0]])
    (line,) = [line for line, found in points.items() if found in ends]
    return line


def shows(ax):
    """Tell whether anything but words is drawn in a panel."""
    return bool(ax.lines or ax.collections or ax.patches)


def outside(picture):
    """Return the texts of a drawn picture that reach out of the figure."""
    figure = figure_of(picture)
    frame = figure.bbox
    found = []
    for text in seen_texts(picture):
        box = text.get_window_extent()
        inside = box.x0 >= -1 and box.y0 >= -1
        inside &= box.x1 <= frame.x1 + 1 and box.y1 <= frame.y1 + 1
        found += [] if inside else [text.get_text()]
    return found


def touching(texts):
    """Return the pairs of texts that cover each other."""
    boxes = [  # of an annotation without its leader
        (text.get_text(), Text.get_window_extent(text).padded(-1.5)) for text in texts
    ]
    return [
        (one, other)
        for n, (one, box) in enumerate(boxes)
        for other, beside in boxes[n + 1 :]
        if box.overlaps(beside)
    ]


WAYS = {
    "rates": lambda df, **o: df.braze.plot.rates(METRIC, **o),
    "totals": lambda df, **o: df.braze.plot.totals(STAT, **o),
    "stacked": lambda df, **o: df.braze.plot.totals(STAT, kind="stacked", **o),
    "funnel": lambda df, **o: df.braze.plot.funnel(**o),
    "lift": lambda df, **o: quiet(df.braze.plot.lift, METRIC, **o),
    "lift_over_time": lambda df, **o: quiet(df.braze.plot.lift_over_time, METRIC, **o),
}
