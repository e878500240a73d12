"""The help card of ``df.braze``."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from braze_frames.core.names import as_html, legible, shorten
from braze_frames.experiment.design import control_of
from braze_frames.frame.levels import grain_of, labels
from braze_frames.frame.provenance import provenance_of

# One line a level in a terminal of 120 signs; the count says how many more there are.
_SHOWN, _WIDTH = 5, 60


def card_rows(
    df: pd.DataFrame, verbs: Mapping[str, Sequence[str]]
) -> list[tuple[str, str]]:
    """Return what the help card says, as rows of a name and a text.

    ``verbs``: what they are for → their names; the name of a row that goes on is empty.
    """
    rows = [("days", _days(df))]
    if grain_of(df) == "variation":
        for name in ("campaign", "channel", "variation"):
            found = labels(df, name)
            if found:
                rows.append((f"{name}s", _some(found, len(found))))
        rows.append(("control", _control(df)))
    elif found := labels(df, "campaign"):
        rows.append(("campaigns", _some(found, len(found))))
    settled = provenance_of(df).get("settled_until")
    rows.append(
        ("settled until", settled or "not known: younger than 31 days may grow")
    )
    groups = [": ".join(filter(None, (k, ", ".join(v)))) for k, v in verbs.items()]
    names = ["verbs", *[""] * len(groups)]
    return [*rows, *zip(names, groups, strict=False)]


def card_text(rows: list[tuple[str, str]]) -> str:
    """Return the help card as text.

    Examples
    --------
    >>> print(card_text([("days", "2026-03-01 (1)"), ("control", "none")]))
    df.braze
      days     2026-03-01 (1)
      control  none
    """
    width = max(len(name) for name, _ in rows)
    lines = (f"  {name:<{width}}  {legible(text)}" for name, text in rows)
    return "\n".join(["df.braze", *lines])


def card_html(rows: list[tuple[str, str]]) -> str:
    """Return the help card as HTML, with every label escaped."""
    cells = "".join(
        f'<tr><th style="text-align:left">{as_html(name) if name else ""}</th>'
        f'<td style="text-align:left">{as_html(text)}</td></tr>'
        for name, text in rows
    )
    return (
        '<table class="tex2jax_ignore mathjax_ignore"><caption>df.braze</caption>'
        f"<tbody>{cells}</tbody></table>"
    )


def _days(df: pd.DataFrame) -> str:
    dates: list[Any] = list(labels(df, "date"))
    if not dates:
        return "none"
    first, last = dates[0].date(), dates[-1].date()
    return f"{first} ({1})" if first == last else f"{first} … {last} ({len(dates)})"


def _control(df: pd.DataFrame) -> str:
    """Return the control's name, beside its campaign's, of which long ones are cut."""
    found = control_of(df)
    if not isinstance(found, dict):
        return _some([found or "none"], 1)
    pairs = [(campaign, label) for campaign, label in found.items() if label]
    campaigns = shorten([campaign for campaign, _ in pairs[:_SHOWN]], _WIDTH // 2)
    names = [f"{campaigns[one]}: {label}" for one, label in pairs[:_SHOWN]]
    return _some(names, len(pairs)) if names else "none"


def _some(names: list[str], count: int) -> str:
    """Return the first names, and how many there are."""
    shown = ", ".join(shorten(names[:_SHOWN], _WIDTH).values())
    more = count - _SHOWN
    return f"{shown} and {more} more ({count})" if more > 0 else shown
