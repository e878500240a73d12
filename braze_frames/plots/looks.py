"""How names are drawn and written: colours, markers, and short distinct names."""

from collections.abc import Iterable
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

from braze_frames.core.names import legible, shorten, tell_apart

if TYPE_CHECKING:
    from matplotlib.artist import Artist

PanelKey = tuple[str, ...]


# Petroff 2021, "Accessible Color Sequences for Data Visualization", arXiv:2107.02270
_SIX = ("#5790fc", "#f89c20", "#e42536", "#964a8b", "#9c9ca1", "#7a21dd")
TEN = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
_MARKERS = "os^DvPX<>pd"
_HATCHES = ("", "//", "..", "xx", "\\\\", "++", "oo")
NAME = 25
TITLE = 60
JOINT = " · "
SMALL = 0.18


class Look(NamedTuple):
    """How one name is drawn: its colour, and a second sign beside it."""

    color: str
    marker: str
    hatch: str


def names_of(keys: Iterable[PanelKey], joint: str = JOINT) -> dict[PanelKey, str]:
    """Return what is shown for each combination of labels; none twice."""
    given = list(dict.fromkeys(keys))
    parts = [shorten(column, NAME) for column in zip(*given, strict=True)]
    joined = [
        joint.join(part[label] for part, label in zip(parts, key, strict=True))
        for key in given
    ]
    shown = tell_apart(joined, (NAME + 3) * max(len(parts), 1))
    return {
        key: plain(name) if key else "" for key, name in zip(given, shown, strict=True)
    }


def plain(text: str) -> str:
    r"""Return text that matplotlib draws to the letter: a ``$`` begins no formula.

    Examples
    --------
    >>> print(plain("5 $ off"))
    5 \$ off
    """
    return text.replace("$", r"\$")


def lines_of(text: object, width: int) -> str:
    r"""Return text in lines of at most ``width`` signs, drawn to the letter.

    Examples
    --------
    >>> print(lines_of("5 $ off for all", 7))
    5 \$ off
    for all
    """
    return "\n".join(map(plain, wrap(legible(text), width)))


def words(name: object) -> str:
    """Return a stat's or rate's name in words.

    Examples
    --------
    >>> words("unique_open_rate")
    'Unique open rate'
    """
    (shown,) = tell_apart([str(name).replace("_", " ")], TITLE)
    return plain(shown[:1].upper() + shown[1:])


def looks_of(names: Iterable[PanelKey]) -> dict[PanelKey, Look]:
    """Return a look for each name: a colour, with a second sign beside it."""
    given = list(dict.fromkeys(names))
    colors = _SIX if len(given) <= len(_SIX) else TEN
    return {
        name: Look(
            colors[n % len(colors)],
            _MARKERS[n % len(_MARKERS)],
            _HATCHES[n % len(_HATCHES)],
        )
        for n, name in enumerate(given)
    }


def shade(text: str, alpha: float, hatch: str = "") -> "Artist":
    """Return the legend's entry for a shade."""
    from matplotlib.patches import Patch

    return Patch(color="0.5", alpha=alpha, hatch=hatch, linewidth=0, label=text)


def area(text: str, look: Look) -> "Artist":
    """Return the legend's entry for an area or a bar."""
    from matplotlib import rcParams
    from matplotlib.patches import Patch

    ground = rcParams["axes.facecolor"]
    style: dict[str, Any] = {"hatch": look.hatch, "linewidth": 0, "label": text}
    return Patch(facecolor=look.color, edgecolor=ground, **style)
