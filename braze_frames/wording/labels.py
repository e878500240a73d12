"""Names as they are written: short, the same everywhere, and the user's word first."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arguments import nearest
from braze_frames.core.names import legible, short_names, tell_apart
from braze_frames.errors import listed
from braze_frames.frame.levels import (
    days_of,
    labels,
    level_names,
    level_of,
    stats_of,
)
from braze_frames.frame.provenance import provenance_of, short_names_of
from braze_frames.schema.formulas import Definition
from braze_frames.schema.words import channel_name, metric_name
from braze_frames.wording.periods import span

JOINT = " · "
# More campaigns or channels are counted, not named.
_NAMED = 3
# About a line of a slide's picture.
_FORMULA = 100


class Owners(NamedTuple):
    """The campaigns and channels that are drawn; None: all of the frame."""

    campaigns: Sequence[str] | None = None
    channels: Sequence[str] | None = None


_ALL = Owners()


class Labels:
    """What is written for the names in a frame: the user's word first.

    Parameters
    ----------
    df : DataFrame
        The frame that was asked.
    own : mapping, optional
        Name → label, as the user wants it.
    known : collection of str
        Further names that the picture shows.

    Raises
    ------
    ValueError
        ``own`` holds a name that is not there, or writes two of a level alike.
    TypeError
        ``own`` is no mapping.
    """

    def __init__(
        self, df: pd.DataFrame, own: Mapping[str, str] | None, known: Collection[str]
    ) -> None:
        if not isinstance(own, Mapping | None):
            raise TypeError(f"labels={own!r}: pass a mapping, name → what is written")
        self._own = {str(name): legible(said) for name, said in (own or {}).items()}
        self._short = short_names_of(df)
        if self._own:
            levels = ("campaign", "channel", "variation")
            self._check({level: labels(df, level) for level in levels}, known)

    def _check(
        self, levels: Mapping[str, Collection[str]], known: Collection[str]
    ) -> None:
        here = {str(name) for name in known}.union(*levels.values())
        for name in self._own:
            if name not in here:
                raise ValueError(
                    f"labels={{{name!r}: …}}: there is no such name here "
                    f"({nearest(name, here)})"
                )
        for level, names in levels.items():
            written = {name: self._own.get(name, name) for name in names}
            for name in set(names) & {*self._own}:
                twice = [n for n, said in written.items() if said == written[name]]
                if len(twice) > 1:
                    raise ValueError(
                        f"labels= writes {written[name]!r} for several of {level}: "
                        f"{listed(twice)}; each needs a label of its own"
                    )

    def word(self, name: str) -> str:
        """Return what is said for a stat or a rate."""
        return self._own.get(name) or _cut(metric_name(name))

    def inside(self, name: str) -> str:
        """Return what is said for a stat or a rate within a sentence, never cut."""
        said = self._own.get(name) or metric_name(name)
        return said if said == name else f"{said[:1].lower()}{said[1:]}"

    def of(self, level: str, name: str, campaign: str = "") -> str:
        """Return what is written for a label of a level, of a campaign where known."""
        if level == "stat":
            return self.word(name)
        if name in self._own:
            return self._own[name]
        if level == "channel":
            return _cut(channel_name(name))
        parents = [campaign, "", *self._short] if level == "variation" else [""]
        for parent in parents:
            if name in self._short.get(parent, {}):
                return self._short[parent][name]
        return _cut(name)

    def join(
        self, levels: Sequence[str], key: Sequence[str], joint: str = JOINT
    ) -> str:
        """Return what is written for a combination of labels."""
        pairs = list(zip(levels, key, strict=True))
        campaign = dict(pairs).get("campaign", "")
        return joint.join(self.of(level, name, campaign) for level, name in pairs)


def _cut(name: str) -> str:
    return short_names([name])[str(name)]


def about(
    df: pd.DataFrame,
    names: Labels,
    *more: str,
    owners: Owners = _ALL,
    days: str | None = None,
) -> str:
    """Return the line below the title: whose numbers, of when, and what they are.

    ``owners`` and ``days`` are those drawn; None: all of the frame.
    """
    campaigns = _campaigns(df) if owners.campaigns is None else owners.campaigns
    shown = [names.of("campaign", name) for name in campaigns]
    here = labels(df, "channel") if owners.channels is None else owners.channels
    said = [names.of("channel", name) for name in here]
    when = dates_of(df) if days is None else days
    parts = [_few(shown, "campaigns"), _few(said, "channels"), when, *more]
    return JOINT.join(filter(None, parts))


def _few(names: Sequence[str], what: str) -> str:
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} {what}"


def _campaigns(df: pd.DataFrame) -> list[str]:
    """Return the frame's campaigns; of a frame of one its name, where it is known."""
    ids = provenance_of(df).get("campaigns")
    if "campaign" not in level_names(df) and isinstance(ids, Mapping) and len(ids) == 1:
        return [str(name) for name, id_ in ids.items() if name != id_]
    return labels(df, "campaign")


def dates_of(df: pd.DataFrame) -> str:
    """Return from when to when a frame is."""
    days = days_of(df)
    return span(days[0], days[-1]) if len(days) else ""


def formula_words(defined: Mapping[str, Definition]) -> str:
    """Return what is divided by what, where it is the same in all channels."""
    texts = {
        " / ".join(_side(side) for side in (one.numerator, one.denominator))
        for one in defined.values()
    }
    return tell_apart([*texts], _FORMULA)[0] if len(texts) == 1 else ""


def _side(formula: Any) -> str:
    text = str(formula).replace("_", " ")
    text = text.replace(" - ", " \N{MINUS SIGN} ")
    return f"({text})" if " " in str(formula) else text


def and_more(names: Sequence[str]) -> list[str]:
    """Return a note on what is drawn in grey, where anything is."""
    more = f"In grey: {len(names)} more, smaller ones ({listed(names)})."
    return [more] if names else []


def owners_in(table: pd.DataFrame) -> Owners:
    """Return whose the rows of a result are; None where it does not tell."""
    campaigns, channels = (
        [*map(str, table.index.unique(name))] if name in table.index.names else None
        for name in ("campaign", "channel")
    )
    return Owners(campaigns, channels)


def owners_of(df: pd.DataFrame, shown: Any) -> Owners:
    """Return whose the rows shown are; None where the frame has no such level."""
    used = np.asarray(shown, dtype=bool)
    found = {
        name: [*map(str, level._replace(codes=level.codes[used]).used().labels)]
        for name, level in ((one, level_of(df, one)) for one in level_names(df))
        if name != "date" and used.any()
    }
    return Owners(found.get("campaign"), found.get("channel"))


def owners_of_rates(df: pd.DataFrame, defined: Mapping[str, Definition]) -> Owners:
    """Return whose rates there are: of rows with both sides, and people in them."""
    stats, shown = stats_of(df), np.zeros(len(df), dtype=bool)
    channel = level_of(df, "channel") if "channel" in level_names(df) else None
    for name, one in defined.items():
        if not all(stat in stats for stat in one.stats):
            continue
        sides = df[list(dict.fromkeys(one.stats))].notna().all(axis=1).to_numpy()
        below = df[one.denominator.stats[0]].fillna(0).to_numpy() > 0
        here = channel is None or (channel.labels == name)[channel.codes]
        shown |= sides & below & here
    return owners_of(df, shown)
