"""Kinds of input over a plain read of the same numbers: where is a slow path.

Run ``python tests/benchmarks/kinds.py``. Each ratio is CPU over CPU in one process, the
median of pairs, of a read of 2.4 MB in 8 windows of 100 days; a plain read is that
of JSON lines as the API gives them. How to read them:

- "plain" beside itself is the noise: what is within it of 1 costs nothing.
- "overlap" counts all days read: twelve answers of which four repeat are 1.5 plain
  reads, fifty exports of the last 100 days, a week apart, 6.3. More is what it takes to
  find out that they agree; it grows with the days read, and not with their square.
- Rows are days of 8 campaigns: 2.3 to 3. Each is asked for its campaign and looked
  through for what JSON does not have, and all stand in memory until each campaign has
  its own. Of CSV pandas takes .6 more.
- Stats: what is not packed is read value by value; all of it would be 5 to 10.
"""

import copy
import io
import json
from datetime import date, timedelta

import orjson
import pandas as pd
import responses
from parse import ratio

import braze_frames as bf

WINDOWS = responses.campaign(0, windows=8)
TREES = [orjson.loads(body) for body in WINDOWS]
DAYS = [day for tree in TREES for day in tree["data"]]


def lines(bodies):
    """Return a read of answers as JSON lines."""
    text = b"\n".join(bodies)
    return lambda: bf.read_braze_series(io.BytesIO(text))


def overlaps():
    """Yield answers that share days."""
    yield "overlap: 4 of 12 answers repeat", lines(WINDOWS + WINDOWS[:4])
    spans = (DAYS[7 * week : 7 * week + 100] for week in range(50))
    weekly = [orjson.dumps({"message": "success", "data": days}) for days in spans]
    yield "overlap: 50 exports a week apart", lines(weekly)


def rows():
    """Yield rows of 8 campaigns, as loaders leave them."""
    found = [
        {"campaign_id": f"c{n % 8}", **day, "time": str(date(2025, 1, 1) + later(n))}
        for n, day in enumerate(DAYS)
    ]
    table = pd.DataFrame(found)
    text = table.assign(messages=table["messages"].map(json.dumps))
    csv = text.to_csv(index=False).encode()
    records = [
        orjson.dumps({"type": "RECORD", "stream": "campaigns_analytics", "record": row})
        for row in found
    ]
    yield "decoded answers", lambda: bf.read_braze_series(TREES)
    yield "rows: list of dicts", lambda: bf.read_braze_series(found)
    yield "rows: frame", lambda: bf.read_braze_series(table)
    yield "rows: frame, messages as text", lambda: bf.read_braze_series(text)
    yield "rows: CSV", lambda: bf.read_braze_series(io.BytesIO(csv))
    yield "rows: Singer messages", lines(records)


def later(number):
    """Return how long after the first day a row's day is."""
    return timedelta(days=number // 8)


def fill(change):
    """Return a read of answers whose every stat object is changed."""
    trees = copy.deepcopy(TREES)
    entries = (
        entry
        for tree in trees
        for day in tree["data"]
        for found in day["messages"].values()
        for entry in found
    )
    for number, entry in enumerate(entries):
        change(number, entry)
    return lines([orjson.dumps(tree) for tree in trees])


# What is done to each stat object, by its number.
STATS = {
    "a null": lambda n, entry: entry.update({[*entry][2 + n % 9]: None}),
    "an unknown stat": lambda n, entry: entry.update(new=n),
    "50 unknown stats": lambda n, entry: entry.update({f"new_{n % 50}": n}),
    "whole and fraction": lambda n, entry: entry.update(score=n + n % 2 / 2),
    "all counts as 3.0": lambda n, entry: entry.update(
        {key: float(value) for key, value in [*entry.items()][2:]}
    ),
    "a text": lambda n, entry: entry.update(note="hello"),
    "a boolean": lambda n, entry: entry.update(is_new=n % 2 == 0),
}


def main():
    """Print the table."""
    plain = lines(WINDOWS)
    changed = ((f"stats: {name}", fill(change)) for name, change in STATS.items())
    for name, work in (("plain", plain), *overlaps(), *rows(), *changed):
        print(f"{name:<36} {ratio(work, plain):.2f}", flush=True)


if __name__ == "__main__":
    main()
