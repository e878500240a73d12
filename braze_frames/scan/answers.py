"""What a verb takes from a part, how parts are put together, how the whole answers."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from braze_frames import errors
from braze_frames.core.arguments import nearest
from braze_frames.core.parts import Elsewhere, Steps
from braze_frames.errors import BrazeError, FrameError, PullError, warn
from braze_frames.frame.levels import labels, level_names
from braze_frames.frame.provenance import odd_names, pass_on_names, provenance_of
from braze_frames.reader import Said, failed_text, warn_of
from braze_frames.scan.parts import PART, SHOWABLE, frame_of_names
from braze_frames.schema.channels import STAT, VARIATION_ID

_TEXT = pd.Index(["text"]).dtype


class Facts(NamedTuple):
    """What parts say beside their answers.

    ``campaigns``: in how many parts each stands. ``carried``: the stats that they have.
    ``odd``: names that cannot be shown as they are, by campaign; ``short``: what they
    are cut to.
    """

    campaigns: Mapping[str, int]
    said: Said
    warned: Sequence[tuple[str, str]]
    failed: Mapping[str, Sequence[str]]
    carried: Sequence[str]
    asked: Sequence[str] | None
    odd: Mapping[str, Sequence[str]]
    short: Mapping[str, Mapping[str, str]]

    def names(self) -> pd.DataFrame:
        """Return a frame that has just the names that are too long, and campaigns."""
        several = "" not in self.campaigns
        pairs = [(name, SHOWABLE) for name in self.campaigns] if several else []
        for owner, names in self.odd.items():
            pairs += [(owner, name) for name in names if owner or not several]
        frame = frame_of_names(pairs)
        frame = frame if several else frame.droplevel("campaign")
        frame.attrs["braze"] = {"labels": self.short}
        return frame


class PartAnswer(NamedTuple):
    """A part's answer, or that of several; or why there is none.

    ``refused`` is the first campaign, by label, that is refused alone.
    """

    facts: Facts
    answer: Any
    error: Exception | None = None
    refused: str | None = None


class Whole(NamedTuple):
    """What is known of a frame in parts: how many, and what its ``attrs`` say of all.

    ``scanned``: whether rows come from a scan, which has columns that no row has.
    ``untouched``: whether its parts are still those that were read.
    """

    parts: int
    about: Mapping[str, Any] | None
    scanned: bool
    untouched: bool


def partial_of(steps: Steps[Any, Any], whole: Whole, df: pd.DataFrame) -> PartAnswer:
    """Ask one of the parts."""
    known = df.attrs.get(PART, {})
    carried = _carried(known, df, scanned=whole.scanned)
    lacking = {*STAT} - {*(STAT if carried is None else carried)}
    if lacking:
        df = df[[name for name in df if name not in lacking]]
    df = _with_own_text(df)
    levels = [name for name in level_names(df) if name in df]
    df = df.set_index(levels) if levels else df
    df.attrs = _attrs_of(known, df, whole)
    several = "campaign" in df.index.names
    names = labels(df, "campaign") if several else [""] * bool(len(df))
    facts = Facts(
        dict.fromkeys(names, 1),
        Said(*(known.get(name, []) for name in Said._fields)),
        known.get("warned", []),
        known.get("lost", {}),
        carried or [],
        known.get("asked"),
        odd_names(df),
        provenance_of(df).get("labels", {}),
    )
    intact = whole.untouched and known.get("parts") == whole.parts
    elsewhere = Elsewhere(known.get("asked"), not intact)
    try:
        answer = steps.partial(df, elsewhere if whole.parts > 1 else None)
    except (BrazeError, ValueError, TypeError) as error:
        refused = _refused(steps, df, elsewhere) if several else None
        return PartAnswer(facts, None, error, refused)
    return PartAnswer(facts, answer)


def _refused(
    steps: Steps[Any, Any], df: pd.DataFrame, elsewhere: Elsewhere
) -> str | None:
    for name in sorted(labels(df, "campaign")):
        try:
            steps.partial(
                df.loc[df.index.get_level_values("campaign") == name], elsewhere
            )
        except (BrazeError, ValueError, TypeError):
            return name
    return None


def _carried(
    known: Mapping[str, Any], df: pd.DataFrame, *, scanned: bool
) -> Sequence[str] | None:
    """Return the stats that rows have; None: all columns are theirs.

    Where rows of several parts were put together, those that have any number.
    """
    if known and {*df["campaign"].unique()} <= {*known["of"]}:
        return list(known["carried"])
    if not (known or scanned):
        return None
    return [str(name) for name in df if df[name].notna().any()]


def _attrs_of(
    known: Mapping[str, Any], df: pd.DataFrame, whole: Whole
) -> dict[Any, Any]:
    """Return what a part's ``attrs`` say, or else those of all, and its own names."""
    about = df.attrs.get("braze", whole.about)
    labels = {**(about or {}).get("labels", {}), **known.get("labels", {})}
    told = {**(about or {}), **({"labels": labels} if labels else {})}
    return {**df.attrs, "braze": told} if told else df.attrs


def _with_own_text(df: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose texts have pandas' default dtype, not dask's."""
    wrong = [
        name
        for name, dtype in df.dtypes.items()
        if isinstance(dtype, pd.StringDtype) and dtype != _TEXT and name != VARIATION_ID
    ]
    return df.astype(dict.fromkeys(wrong, _TEXT)) if wrong else df


def merge_of(steps: Steps[Any, Any], pieces: Sequence[PartAnswer]) -> PartAnswer:
    """Put pieces together."""
    facts = [piece.facts for piece in pieces]
    campaigns: dict[str, int] = {}
    for one in facts:
        for name, count in one.campaigns.items():
            campaigns[name] = campaigns.get(name, 0) + count
    said = Said(
        *(
            [*dict.fromkeys(text for one in facts for text in one.said[place])]
            for place in range(len(Said._fields))
        )
    )
    merged = Facts(
        campaigns,
        said,
        [*dict.fromkeys((kind, text) for one in facts for kind, text in one.warned)],
        {label: why for one in facts for label, why in one.failed.items()},
        [*dict.fromkeys(name for one in facts for name in one.carried)],
        facts[0].asked,
        {owner: names for one in facts for owner, names in one.odd.items()},
        _short(facts),
    )
    wrong = [piece for piece in pieces if piece.error]
    if wrong:
        # pandas, whose frame is sorted, would come to this one first.
        first = min(
            wrong, key=lambda piece: (piece.refused is None, piece.refused or "")
        )
        return first._replace(facts=merged)
    return PartAnswer(merged, steps.merge([piece.answer for piece in pieces]))


def _short(facts: Sequence[Facts]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for one in facts:
        for owner, names in one.short.items():
            found[owner] = {**found.get(owner, {}), **names}
    return found


def finish_of(steps: Steps[Any, Any], piece: PartAnswer) -> Any:
    """DelayedAnswer of the whole: here alone is warned and refused.

    Raises
    ------
    FrameError
        A campaign stands in two partitions, and the verb needs it whole.
    PullError
        Campaigns could not be read; ``frame`` is the answer of the others.
    """
    facts = piece.facts
    _check_asked(facts)
    if steps.needs_whole_campaigns:
        _check_whole(facts.campaigns)
    for kind, text in facts.warned:
        warn(text, getattr(errors, kind))
    warn_of(facts.said, silent=True)
    if not facts.failed:
        return _answered(steps, piece)
    failed = {label: _error(*why) for label, why in sorted(facts.failed.items())}
    came = bool(facts.campaigns)
    text = failed_text(failed, len({*facts.campaigns, *failed}))
    hint = ". What the others give is in .frame" if came else ""
    frame = _answered(steps, piece) if came else None
    raise PullError(f"{text}{hint}", failed=failed, frame=frame)


def _answered(steps: Steps[Any, Any], piece: PartAnswer) -> Any:
    if piece.error is not None:
        raise piece.error
    answer = steps.finish(piece.answer)
    return pass_on_names(answer, piece.facts.names()) if piece.facts.odd else answer


def _error(kind: str, text: str) -> BrazeError:
    found = getattr(errors, kind, BrazeError)
    return found(text)


def _check_asked(facts: Facts) -> None:
    known = {*STAT, VARIATION_ID, *facts.carried}
    for name in facts.asked or ():
        if name not in known:
            raise ValueError(
                f"columns: no stat is called {name!r}; {nearest(name, known)}"
            )


def _check_whole(campaigns: Mapping[str, int]) -> None:
    for name, count in sorted(campaigns.items()):
        if count > 1:
            who = f"the campaign {name!r}" if name else "this campaign"
            raise FrameError(
                f"{who} stands in {count} partitions, and all of its rows are needed "
                'at once. Sort them together: ddf.sort_values("campaign"), or '
                'ddf.shuffle("campaign"); one campaign alone: '
                "ddf.repartition(npartitions=1)"
            )
