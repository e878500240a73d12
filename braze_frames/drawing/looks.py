"""The look of pictures: colours, sizes and axes, where the user's style says nothing.

Nothing global is touched: no style, no rcParams, no backend. Each setting of ours is
put on the artists themselves, and only where matplotlib's default still stands.
"""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

# Told apart by colour-blind eyes (Machado, Oliveira & Fernandes 2009, full severity:
# 18 or more apart in CIELAB) and in grey (7 or more apart in lightness). The last four
# are for those who ask for more than six, where the labels have to do.
_LIGHT = (
    *("#2867d6", "#e58606", "#9c1048", "#1b9a78", "#2f1a63", "#79c2ea"),
    *("#6b4a12", "#c86aa6", "#5d6774", "#8a8f00"),
)
_DARK = (
    *("#5b9bff", "#ff9a3c", "#cf4d86", "#63e0b8", "#7a52c7", "#f6efb0"),
    *("#c9a27a", "#f2b8e6", "#a4b0bf", "#c8cc4a"),
)
MOST_COLORS = len(_LIGHT)
# Fonts with the signs of the East and emoji; the last, which matplotlib brings, draws
# boxes where no other has a sign, and does so without a warning for each of them.
_FALLBACKS = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "PingFang SC"),
    *("Yu Gothic", "Microsoft YaHei", "Malgun Gothic", "Arial Unicode MS"),
    *("Noto Emoji", "Segoe UI Emoji", "Symbola", "Last Resort High-Efficiency"),
)
_ASCII = 128
_INK, _PAPER = "#1f2937", "#f3f4f6"
_BOX = ("axes.spines.left", "axes.spines.right", "axes.spines.top", "axes.linewidth")


Grid = Literal["x", "y", ""]


class Theme(NamedTuple):
    """Colours and the size of text in points.

    ``ink`` writes, ``muted`` says what is beside the point, ``faint`` draws grids and
    tracks, ``rest`` what is not among the first, ``ground`` lies below.
    """

    ink: str
    muted: str
    faint: str
    rest: str
    ground: str
    palette: tuple[str, ...]
    size: float

    @property
    def small(self) -> float:
        """The size of notes: 8.5 points at matplotlib's 10."""
        return 0.85 * self.size

    def on(self, color: str) -> str:
        """Return what can be read on a colour."""
        return _INK if _light(color) > 0.6 else _PAPER

    def text_of(self, color: str) -> str:
        """Return a colour, nearer to ink, so that words in it can be read."""
        near = abs(_light(color) - _light(self.ground)) < 0.55
        return mix(color, self.ink, 0.45 if near else 0.0)


def theme_of(ax: "Axes | None" = None) -> Theme:
    """Return the theme that fits the user's style, and the Axes that are drawn in."""
    from matplotlib import rcParams
    from matplotlib.colors import to_hex

    ground = to_hex(ax.get_facecolor() if ax else rcParams["figure.facecolor"])
    dark = _light(ground) < 0.35
    ink = _own("text.color", _PAPER if dark else _INK)
    return Theme(
        ink=ink,
        muted=_own("xtick.color", mix(ink, ground, 0.36)),
        faint=_own("grid.color", mix(ink, ground, 0.88)),
        rest=mix(ink, ground, 0.72),
        ground=ground,
        palette=_palette(_DARK if dark else _LIGHT),
        size=float(rcParams["font.size"]),
    )


def use_fonts_for(artist: "Artist") -> None:
    """Let texts fall back on installed fonts for signs that the user's font lacks."""
    from matplotlib.font_manager import findfont, fontManager, get_font
    from matplotlib.text import Text

    texts: Any = artist.findobj(Text)
    for text in texts:
        signs = {ord(sign) for sign in text.get_text() if sign.isprintable()}
        if max(signs, default=0) < _ASCII:
            continue
        font = get_font(findfont(text.get_fontproperties()))
        if not all(map(font.get_char_index, signs)):
            known = {font.name for font in fontManager.ttflist}
            found = [name for name in _FALLBACKS if name in known]
            text.set_family([*text.get_fontfamily(), *found])


def mix(color: str, other: str, share: float) -> str:
    """Return a colour with a share of another.

    Examples
    --------
    >>> mix("#000000", "#ffffff", 0.5)
    '#808080'
    """
    from matplotlib.colors import to_hex, to_rgb

    (r, g, b), (s, h, c) = to_rgb(color), to_rgb(other)
    kept = 1 - share
    return to_hex((kept * r + share * s, kept * g + share * h, kept * b + share * c))


def dress(ax: "Axes", theme: Theme, *, grid: Grid = "y") -> None:
    """Take away the box, and put light grid lines on the axis of values."""
    from matplotlib import rcParams

    if all(map(_is_default, (*_BOX, "axes.edgecolor"))):
        ax.spines[["left", "right", "top"]].set_visible(False)
        ax.spines["bottom"].set_color(mix(theme.ink, theme.ground, 0.6))
        ax.tick_params(axis="y", length=0)
        ax.tick_params(axis="x", color=mix(theme.ink, theme.ground, 0.6))
    if _is_default("xtick.color"):
        ax.tick_params(labelcolor=theme.muted)
    if _is_default("axes.grid"):
        ax.set_axisbelow(True)
        if grid:
            width = rcParams["grid.linewidth"]
            ax.grid(axis=grid, color=theme.faint, linewidth=width)


def own_figsize() -> tuple[float, float] | None:
    """Return the size of figures that the user has set; None: matplotlib's stands."""
    from matplotlib import rcParams

    if _is_default("figure.figsize"):
        return None
    width, height = rcParams["figure.figsize"]
    return float(width), float(height)


def _own(name: str, ours: str) -> str:
    """Return the user's colour; ours where matplotlib's default stands."""
    from matplotlib import rcParams
    from matplotlib.colors import to_hex

    settings: Any = rcParams
    return ours if _is_default(name) else to_hex(settings[name])


def _is_default(name: str) -> bool:
    from matplotlib import rcParams, rcParamsDefault

    settings: Any = rcParams
    defaults: Any = rcParamsDefault
    # matplotlib holds sizes as tuples or as lists
    one, other = settings[name], defaults[name]
    return bool([*one] == [*other] if isinstance(one, list | tuple) else one == other)


def _palette(ours: tuple[str, ...]) -> tuple[str, ...]:
    """Return ten colours: the user's own first, where there are any."""
    from matplotlib import rcParams
    from matplotlib.colors import to_hex

    if _is_default("axes.prop_cycle"):
        return ours
    theirs: list[Any] = rcParams["axes.prop_cycle"].by_key().get("color", [])
    return (*map(to_hex, theirs), *ours)[:MOST_COLORS]


def _light(color: str) -> float:
    """Return how light a colour is, from 0 to 1: luma of ITU-R BT.601."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(color)
    return float(0.299 * red + 0.587 * green + 0.114 * blue)
