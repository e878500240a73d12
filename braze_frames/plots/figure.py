"""Small multiples: panels side by side, with their titles, looks and legend.

Nothing global is touched: no style, no rcParams, no backend.
"""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.names import legible
from braze_frames.errors import listed
from braze_frames.plots.looks import (
    JOINT,
    NAME,
    SMALL,
    TEN,
    Look,
    PanelKey,
    lines_of,
    looks_of,
    names_of,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    Pictured = Axes | np.ndarray[Any, np.dtype[np.object_]]

SIDE = 30
_SIGN = 0.09
_ENTRY = 0.24
_HEIGHT = 3.0
_MOST = 200


class Grid(NamedTuple):
    """Rows and columns of panels, and the size of the figure in inches."""

    rows: int
    columns: int
    size: tuple[float, float]


def plan_grid(
    count: int, names: Collection[str], height: float | None, *, wide: bool
) -> Grid:
    """Plan the panels of a figure, with room for the names beside them.

    Examples
    --------
    >>> plan_grid(5, [], None, wide=False)
    Grid(rows=2, columns=3, size=(12.0, 6.6))
    """
    columns = min(count, 2 if wide or count == 4 else 3)
    lines = -(-count // columns)
    width = 8.0 if columns == 1 else 12.0
    width += _SIGN * max(0, max(map(len, names), default=0) - NAME)
    if count > 1:
        return Grid(lines, columns, (width, lines * (height or _HEIGHT) + 0.6))
    return Grid(1, 1, (width, max(height or 4.0, _ENTRY * (len(names) + 5))))


def _open(count: int, grid: Grid, *, sharey: bool) -> "list[Axes]":
    import matplotlib.pyplot as plt

    _, cells = plt.subplots(
        grid.rows,
        grid.columns,
        figsize=grid.size,
        layout="constrained",
        sharex=True,
        sharey=sharey,
        squeeze=False,
    )
    axes = list(cells.flat)
    for spare in axes[count:]:
        spare.remove()
    return axes[:count]


class PanelFigure:
    """A picture in the making: a figure of panels, or an Axes of the user's own.

    Parameters
    ----------
    df : DataFrame
        What is drawn, for a word on how to slice it.
    levels : list of str
        Whose labels make panels.
    keys : list of tuple of str
        Those labels, one panel each; none make one panel without a name.
    ax : Axes, optional
        Where to draw, in place of a new figure.
    names : collection of str
        What will stand beside the panels; many or long ones need room.
    height : float, optional
        Of a panel, in inches.
    rows : bool
        Panels have rows of their own from top to bottom, and a common scale of x only.
    crowd : float
        How many inches of legend stand beside each panel.

    Raises
    ------
    ValueError
        There are several panels and one ``ax``, or more than a picture can hold.
    """

    def __init__(
        self,
        df: pd.DataFrame,
        levels: Sequence[str],
        keys: Sequence[PanelKey],
        ax: "Axes | None",
        names: Collection[str] = (),
        *,
        height: float | None = None,
        rows: bool = False,
        crowd: float = 0.0,
    ) -> None:
        self._names = list(names_of(keys).values()) or [""]
        count = len(self._names)
        if ax is not None and count > 1:
            how = _slicing(df, levels, keys)
            raise ValueError(
                f"{count} panels do not fit on one ax={how}, or leave ax= out"
            )
        if count > _MOST:
            how = _slicing(df, levels, keys)
            raise ValueError(
                f"{count} panels are too many, {_MOST} fit in a picture{how}"
            )
        self.own = ax is None
        height = max(height or _HEIGHT, crowd) if crowd else height
        self._grid = plan_grid(count, names, height, wide=rows or crowd > 0)
        self.axes = [ax] if ax else _open(count, self._grid, sharey=not rows)
        self.panels = dict(zip(keys or [()], self.axes, strict=True))

    def head(self, title: str) -> None:
        """Put the title above, and the campaign and channel above each panel."""
        if len(self.axes) > 1:
            self.axes[0].figure.suptitle(title)
            for ax, name in zip(self.axes, self._names, strict=True):
                ax.set_title(name.replace(JOINT, "\n"), fontsize="medium")
        else:
            self.axes[0].set_title("\n".join(filter(None, [title, *self._names])))

    def label(self, x: str, y: str) -> None:
        """Label the axes: of small multiples the leftmost and the lowest."""
        for n, ax in enumerate(self.axes):
            if n % self._grid.columns == 0:
                ax.set_ylabel(y)
            if n + self._grid.columns >= len(self.axes):
                ax.set_xlabel(x)
                ax.tick_params(labelbottom=True)

    def legend(
        self, handles: Sequence["Artist"], title: str = "", *, aside: float = 0.0
    ) -> None:
        """Explain lines and shades: beside the panels of a figure of our own.

        ``aside`` leaves so many inches for what is written there.
        """
        from matplotlib.transforms import ScaledTranslation

        if not handles:
            return
        first, text = self.axes[0], title or None
        if len(self.axes) > 1:
            first.figure.legend(
                handles=handles, title=text, loc="outside right upper", frameon=False
            )
        elif self.own:
            first.legend(
                handles=handles,
                title=text,
                loc="upper left",
                bbox_to_anchor=(1.01, 1.0),
                bbox_transform=first.transAxes
                + ScaledTranslation(aside, 0, first.figure.dpi_scale_trans),
                frameon=False,
            )
        else:
            first.legend(handles=handles, title=text, loc="upper left")

    def result(self) -> "Pictured":
        """Return the Axes of one panel; an array of the Axes of several."""
        if len(self.axes) == 1:
            return self.axes[0]
        found = np.empty(len(self.axes), dtype=object)
        found[:] = self.axes
        return found


def blank(df: pd.DataFrame, title: str, why: str, ax: "Axes | None") -> "Pictured":
    """Return a picture that says why there is nothing to see."""
    sheet = PanelFigure(df, [], [], ax)
    sheet.head(title)
    sheet.axes[0].set(xticks=[], yticks=[])
    annotate_empty(sheet.axes[0], why)
    return sheet.result()


def annotate_empty(ax: "Axes", text: str) -> None:
    """Write into the middle of an Axes why there is nothing to see."""
    shown, place = lines_of(text, 60), ax.transAxes
    ax.text(0.5, 0.5, shown, style="italic", ha="center", va="center", transform=place)


def _slicing(df: pd.DataFrame, levels: Sequence[str], keys: Sequence[PanelKey]) -> str:
    """Say how to slice out one panel of those that do not fit."""
    place = next(n for n in range(len(levels)) if len({key[n] for key in keys}) > 1)
    level, label = levels[place], keys[0][place]
    how = (
        f"df.xs({label!r}, level={level!r}, drop_level=False)"
        if level in df.index.names
        else f"df[df[{level!r}] == {label!r}]"
    )
    found = listed(JOINT.join(map(legible, key)) for key in keys)
    return f" ({found}): slice one out, as in {how}"


class SeriesStyles:
    """Who is drawn in which panel: their looks, and what is shown for their names.

    A name looks the same in all panels while there are few. Many campaigns have too
    many variations for one legend ``together``: then each panel begins anew, with its
    own.

    Parameters
    ----------
    drawn : list of tuple
        The panel and the name of each line, bar or area.
    """

    def __init__(self, drawn: Sequence[tuple[PanelKey, PanelKey]]) -> None:
        every = looks_of(name for _, name in drawn)
        self.names = names_of(every)
        self._panels: dict[PanelKey, list[PanelKey]] = {}
        for panel, name in dict.fromkeys(drawn):
            self._panels.setdefault(panel, []).append(name)
        self.together = len(every) <= len(TEN) or len(self._panels) == 1
        self.looks = {
            (panel, name): look
            for panel, own in self._panels.items()
            for name, look in (every if self.together else looks_of(own)).items()
        }

    def entries(
        self, sheet: "PanelFigure", draw: "Callable[[Look, PanelKey], Artist]"
    ) -> "list[Artist]":
        """Return the legend's entries; many names are written beside each panel."""
        if self.names.keys() == {()}:
            return []
        if self.together:
            looks = {name: look for (_, name), look in self.looks.items()}
            return [draw(looks[name], name) for name in self.names]
        for panel, own in self._panels.items():
            handles = [draw(self.looks[panel, name], name) for name in own]
            sheet.panels[panel].legend(
                handles=handles,
                loc="upper left",
                bbox_to_anchor=(1.0, 1.0),
                fontsize="x-small",
                frameon=False,
            )
        return []

    @property
    def crowd(self) -> float:
        """How many inches of legend stand beside a panel; 0 where there are none."""
        return 0.0 if self.together else SMALL * max(map(len, self._panels.values()))
