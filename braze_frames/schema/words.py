"""Names as people say them: how channels and metrics are shown, and what is meant."""

import re

from braze_frames.schema.channels import CHANNELS

_CHANNEL = {channel.name: channel.title for channel in CHANNELS}
_RATES = {
    "click_to_open_rate": "Click-to-open rate",
    "opt_out_rate": "Opt-out rate",
    "sent_to_carrier_rate": "Sent-to-carrier rate",
}
_STATS = {
    "delivery_failed": "Failed deliveries",
    "failed": "Failures",
    "help": "Help replies",
    "machine_amp_open": "Machine AMP opens",
    "machine_open": "Machine opens",
    "opt_out": "Opt-outs",
    "read": "Reads",
    "rejected": "Rejections",
    "reported_spam": "Spam reports",
}
_METRIC = _RATES | _STATS
_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_BY_TIME = re.compile(r"_by_(send|entry)_time$")
_EVENT = re.compile(r"(?<=conversion)(s?)([1-9])")
_CLICKS = "unique_click_rate total_click_rate body_click_rate"
_OPENS = "unique_open_rate total_open_rate direct_open_rate"
_BUYS = "conversion_rate_by_send_time conversion_rate"
_LEAVES = "unsubscribe_rate opt_out_rate"
_MEANT = {
    "click rate": _CLICKS,
    "click through": _CLICKS,
    "click through rate": _CLICKS,
    "clickthrough rate": _CLICKS,
    "ctr": _CLICKS,
    "open rate": _OPENS,
    "or": _OPENS,
    "ctor": "click_to_open_rate",
    "conversion": _BUYS,
    "conv rate": _BUYS,
    "cr": _BUYS,
    "cvr": _BUYS,
    "rpr": "revenue_per_recipient",
    "arpu": "revenue_per_recipient",
    "revenue per user": "revenue_per_recipient",
    "churn": _LEAVES,
    "unsub rate": _LEAVES,
    "unsubscription rate": _LEAVES,
    "complaint rate": "spam_rate",
    "hard bounce rate": "bounce_rate",
    "deliverability": "delivery_rate",
    "delivered rate": "delivery_rate",
    "dismiss rate": "unique_dismissal_rate total_dismissal_rate",
}


def channel_name(name: str) -> str:
    """Return how people call a channel; what is no key of the API stays as it is.

    Examples
    --------
    >>> channel_name("ios_push"), channel_name("new_channel"), channel_name("Mine!")
    ('iOS push', 'New channel', 'Mine!')
    """
    return _CHANNEL.get(name) or _said(name)


def metric_name(name: str) -> str:
    """Return how people call a rate or a stat; a name of one's own stays as it is.

    Conversion events are told apart by Braze's letters, A being the primary one.

    Examples
    --------
    >>> metric_name("conversion_rate_by_send_time"), metric_name("opt_out")
    ('Conversion rate (by send time)', 'Opt-outs')
    >>> metric_name("conversion1_rate"), metric_name("Sold per mail")
    ('Conversion rate B', 'Sold per mail')
    """
    if name in _METRIC:
        return _METRIC[name]
    time, event = _BY_TIME.search(name), _EVENT.search(name)
    shown = _said(_EVENT.sub(r"\1", _BY_TIME.sub("", name)))
    letter = f" {chr(ord('A') + int(event[2]))}" if event else ""
    return shown + letter + (f" (by {time[1]} time)" if time else "")


def spoken(text: str) -> str:
    """Return a text in small letters and single blanks, as one would say it.

    Examples
    --------
    >>> spoken("UNIQUE_OPEN_RATE"), spoken(" Click-through  rate")
    ('unique open rate', 'click through rate')
    """
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def meant_by(text: str) -> tuple[str, ...]:
    """Return the rates that people mean by a text; none where it is no such word.

    Examples
    --------
    >>> meant_by("CTOR"), meant_by("sent")
    (('click_to_open_rate',), ())
    """
    return tuple(_MEANT.get(spoken(text), "").split())


def _said(name: str) -> str:
    words = name.replace("_", " ")
    return words[0].upper() + words[1:] if _SNAKE.fullmatch(name) else name
