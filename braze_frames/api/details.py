"""What ``/campaigns/details`` says of a campaign, as far as a frame needs it."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from braze_frames.errors import PayloadError
from braze_frames.schema.channels import ALIASES, CONTROL_NAME

_SECONDS_A_DAY = 86_400


class Details(NamedTuple):
    """What campaign details say; empty where they were asked and could not be had.

    ``names`` and ``controls`` are of variation ids, ``windows`` those of the conversion
    events, in seconds; ``first_sent`` and ``last_sent`` stand as the API gave them.
    """

    names: dict[str, str]
    controls: list[str]
    windows: list[float]
    first_sent: str | None
    last_sent: str | None
    known: bool

    @classmethod
    def unknown(cls) -> Self:
        """Return that details were asked and could not be had."""
        return cls({}, [], [], None, None, known=False)

    @classmethod
    def of_names(cls, names: Mapping[str, str]) -> Self:
        """Return details of which only the names are known."""
        return cls(dict(names), [], [], None, None, known=True)

    @property
    def settle_days(self) -> int | None:
        """The longest conversion window and a day; None where no window is known."""
        if not self.windows:
            return None
        return int(-(-max(self.windows) // _SECONDS_A_DAY)) + 1


def details_in(tree: Any, origin: str) -> Details:
    """Read a decoded answer.

    A control is told by its ``type``; without a name it is called as a series calls it.

    Raises
    ------
    PayloadError
        It has no messages.

    Examples
    --------
    >>> answer = {
    ...     "messages": {"a": {"channel": "email", "name": "Hat"}},
    ...     "conversion_behaviors": [{"type": "Made Purchase", "window": 259200}],
    ... }
    >>> found = details_in(answer, "details")
    >>> found.names, found.settle_days
    ({'a': 'Hat'}, 4)
    """
    messages = tree.get("messages") if isinstance(tree, dict) else None
    if not isinstance(messages, dict):
        raise PayloadError(f"{origin} have no `messages`; read without details=True")
    told = {id_: one for id_, one in messages.items() if isinstance(one, dict)}
    controls = [id_ for id_, one in told.items() if one.get("type") == "control"]
    names = {id_: str(one["name"]) for id_, one in told.items() if one.get("name")}
    return Details(
        dict.fromkeys(controls, CONTROL_NAME) | names,
        controls,
        _windows(tree.get("conversion_behaviors")),
        _text(tree.get("first_sent")),
        _text(tree.get("last_sent")),
        known=True,
    )


def _windows(behaviors: Any) -> list[float]:
    found = [
        one.get("window")
        for one in (behaviors if isinstance(behaviors, list) else [])
        if isinstance(one, dict)
    ]
    return [
        window
        for window in found
        if isinstance(window, int | float) and not isinstance(window, bool)
        # Longer than a year is no window; NaN and infinity are none either.
        if 0 <= window <= 366 * _SECONDS_A_DAY
    ]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def details_cells(answer: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a table of campaigns shows of a decoded answer; None: none came."""
    told = Details.unknown() if answer is None else details_in(answer, "details")
    given = answer or {}
    days = told.settle_days
    return {
        "channels": [ALIASES.get(one, one) for one in texts_in(given.get("channels"))],
        "first_sent": told.first_sent,
        "last_sent": told.last_sent,
        "window_days": None if days is None else days - 1,
        "variations": [told.names.get(id_, id_) for id_ in given.get("messages", ())],
    }


def texts_in(value: Any) -> list[str]:
    """Return the texts of a list; what else a server may send is none."""
    found = value if isinstance(value, list) else []
    return [text for text in found if isinstance(text, str)]
