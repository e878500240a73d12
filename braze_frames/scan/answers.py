"""What a verb takes from a part, how parts are put together, how the whole answers."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from braze_frames import errors
from braze_frames.core.arguments import nearest
from braze_frames.core.parts import Elsewhere, Steps
from braze_frames.errors import BrazeError, FrameError, PullError
from braze_frames.frame.levels import labels, level_names
from braze_frames.reader import Said, failed_text, warn_of
from braze_frames.scan.parts import PART
from braze_frames.schema.channels import STAT, VARIATION_ID

_TEXT = pd.Index(["text"]).dtype


class Facts(NamedTuple):
    """What parts say beside their answers.

    ``campaigns``: in how many parts each stands. ``carried``: the stats that they have.
    """

    campaigns: Mapping[str, int]
    said: Said
    failed: Mapping[str, Sequence[str]]
    carried: Sequence[str]
    asked: Sequence[str] | None


class PartAnswer(NamedTuple):
    """A part's answer, or that of several."""

    facts: Facts
    answer: Any


def partial_of(steps: Steps[Any, Any], count: int, df: pd.DataFrame) -> PartAnswer:
    """Ask a part."""
    known = df.attrs.get(PART, {})
    lacking = {*STAT} - {*known.get("carried", STAT)}
    if lacking:
        df = df[[name for name in df if name not in lacking]]
    df = _with_own_text(df)
    several = "campaign" in level_names(df)
    names = labels(df, "campaign") if several else [""] * bool(len(df))
    facts = Facts(
        dict.fromkeys(names, 1),
        Said(*(known.get(name, []) for name in Said._fields)),
        known.get("lost", {}),
        known.get("carried", []),
        known.get("asked"),
    )
    elsewhere = Elsewhere(known.get("asked"), known.get("parts") != count)
    return PartAnswer(facts, steps.partial(df, elsewhere if count > 1 else None))


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
        {label: why for one in facts for label, why in one.failed.items()},
        [*dict.fromkeys(name for one in facts for name in one.carried)],
        facts[0].asked,
    )
    return PartAnswer(merged, steps.merge([piece.answer for piece in pieces]))


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
    warn_of(facts.said, silent=True)
    if not facts.failed:
        return steps.finish(piece.answer)
    failed = {label: _error(*why) for label, why in sorted(facts.failed.items())}
    came = bool(facts.campaigns)
    text = failed_text(failed, len({*facts.campaigns, *failed}))
    hint = ". What the others give is in .frame" if came else ""
    frame = steps.finish(piece.answer) if came else None
    raise PullError(f"{text}{hint}", failed=failed, frame=frame)


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
