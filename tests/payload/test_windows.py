"""Windows that share days: what says the same in other words, and what does not."""

import copy
import datetime as dt
import io
import random

import pytest

import braze_frames as bf

from ..payloads import ID, OTHER_ID, as_bytes, day, entry, response

START = dt.date(2026, 3, 1)


def series(rng, length=12):
    """Days with two variations, one of which has a button."""
    return [
        day(
            (START + dt.timedelta(days=n)).isoformat(),
            {
                "email": [
                    entry("A", ID, sent=rng.randrange(9) + 2, winks=rng.randrange(9)),
                    entry("B", OTHER_ID, sent=1, notif_button_1_Go_click=n, why="x"),
                ]
            },
            conversions=rng.randrange(9),
        )
        for n in range(length)
    ]


def of(found):
    """The stat objects of a day."""
    return found["messages"]["email"]


SAME = {
    "as it was": lambda found: None,
    "in another order": lambda found: of(found).reverse(),
    "null is nothing": lambda found: of(found)[0].update(opens=None),
    "another text": lambda found: of(found)[1].update(why="y"),
    "another name": lambda found: of(found)[0].update(variation_name="New"),
    "a fraction that is whole": lambda found: of(found)[0].update(
        winks=float(of(found)[0]["winks"])
    ),
    "in two parts": lambda found: (
        of(found)[0].update(sent=of(found)[0]["sent"] - 1),
        of(found).append(entry("A", ID, sent=1)),
    ),
}
OTHER = {
    "sent": lambda found: of(found)[0].update(sent=99),
    "winks": lambda found: of(found)[0].pop("winks"),
    "conversions": lambda found: found.update(conversions=99),
    "opens": lambda found: of(found)[1].update(opens=0),
    "Go": lambda found: of(found)[1].update(notif_button_1_Go_click=99),
    OTHER_ID: lambda found: of(found).pop(),
}


@pytest.mark.filterwarnings("ignore:left out")  # a stat that is text
@pytest.mark.parametrize("seed", range(10))
def test_shared_days_are_refused_where_a_number_differs_and_nowhere_else(seed):
    rng = random.Random(seed)
    days = series(rng)
    windows = [copy.deepcopy(days[n : n + 5]) for n in range(8)]
    for window in windows[1:-1]:
        SAME[rng.choice([*SAME])](rng.choice(window))
    lines = io.BytesIO(b"\n".join(as_bytes(response(*one)) for one in windows))
    for source in ([response(*one) for one in windows], lines):
        frame, plain = map(bf.read_braze_series, (source, response(*days)))
        assert frame["sent"].tolist() == plain["sent"].tolist()
    what, window = rng.choice([*OTHER]), rng.randrange(1, 7)
    place = rng.randrange(5)
    changed = copy.deepcopy(days[window : window + 5])
    OTHER[what](changed[place])
    windows[window] = changed
    with pytest.raises(bf.PayloadError) as caught:
        bf.read_braze_series([response(*one) for one in windows])
    text = str(caught.value)
    assert f"disagree about {START + dt.timedelta(days=window + place)}: " in text
    assert what in text.partition(". They were exported")[0]
