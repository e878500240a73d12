"""Bytes → frame against ``orjson.loads`` and ``DataFrame.from_records``, side by side.

Run ``python tests/benchmarks/parse.py``. Ratios are CPU over CPU in one process, the
median of pairs; the garbage collector is left as users have it. How to read them:

- "ours / loads" is how many times as long a read takes as the JSON parser alone: at
  most 2.4 for many clean responses and 2.8 for harsh ones, 3.5 for one response, of
  which pandas takes about a third. The limit of this way of reading is about 1.8. With
  one narrow channel it is more: what an object costs is shared by fewer numbers. So it
  is below 400 kB a response; longer ones are decoded some days at a time.
- "up to …" is what the read takes up to a step, over the JSON parser, too: what a step
  costs is the difference to the row above.
- "peak memory / frame" counts what is allocated beside the bytes: at most 1.5; where
  the frame is one campaign, its answers stand beside it, typed, and one decoded: 3.
- "buttons / without" compares reads of pushes with and without buttons: at most 1.25,
  of which the longer text takes about .1.
- "stats left out" compares reads of objects that each lack a third of their stats with
  parsing them; no goal, but no growth either: one by one they took twice as long.
- "from_records / ours" is how much longer the plain way takes.
"""

import io
import random
import statistics
import time
import tracemalloc
from itertools import chain

import orjson
import pandas as pd
import responses

import braze_frames as bf
from braze_frames.core.json_text import has_booleans
from braze_frames.payload.assemble import Campaign, assemble
from braze_frames.payload.days import normalise
from braze_frames.payload.series import decode, parse_answer

PAIRS = 7


def cpu(work):
    """Return the CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def ratio(work, base, repeat=1):
    """Return the median of ``work`` over ``base``, measured in turn."""
    ratios = []
    for _ in range(PAIRS + 1):
        below = sum(cpu(base) for _ in range(repeat))
        above = sum(cpu(work) for _ in range(repeat))
        ratios.append(above / below)
    return statistics.median(ratios[1:])


def read(files):
    """Read campaigns given as the bytes of JSON lines files, one a campaign."""
    if len(files) == 1:
        return bf.read_braze_series(io.BytesIO(files[0]))
    named = {f"campaign {n}": io.BytesIO(body) for n, body in enumerate(files)}
    return bf.read_braze_series(named)


def load(bodies):
    """Parse and discard."""
    for body in bodies:
        orjson.loads(body)


def records(body):
    """Flatten one response the plain way, into the same frame."""
    rows = [
        {"date": day["time"], "channel": channel, **row}
        for day in orjson.loads(body)["data"]
        for channel, rows in day["messages"].items()
        for row in rows
    ]
    frame = pd.DataFrame.from_records(rows).rename(
        columns={"variation_name": "variation"}
    )
    frame["date"] = pd.to_datetime(frame["date"])
    counts = frame.columns.drop(
        ["date", "channel", "variation", "variation_api_id", "revenue"]
    )
    types = {**dict.fromkeys(counts, "Int64"), "revenue": "Float64"}
    frame = frame.astype({**types, "variation_api_id": "string"})
    return frame.set_index(["date", "channel", "variation"]).sort_index()


def same(body):
    """Check that both ways give the same numbers."""
    ours, plain = read([body]), records(body)
    pd.testing.assert_frame_equal(ours, plain[ours.columns], check_index_type=False)


def up_to_each_step(bodies):
    """Yield the steps of a read, and the work up to each of them, campaign by campaign.

    ``bodies`` are the answers of each campaign.
    """

    def decoded(look):
        for of_one in bodies:
            yield [look(body) for body in of_one]

    def parsed(body):
        tree = decode(body, "")
        return parse_answer(tree, "", check_each_value=has_booleans(body))

    def campaigns():
        for n, batches in enumerate(decoded(parsed)):
            yield Campaign(str(n), normalise(batches, restated=False))

    def numbers(body):
        has_booleans(body)
        decode(body, "")

    yield "decoded, booleans looked for", lambda: [*decoded(numbers)]
    yield "packed", lambda: [*decoded(parsed)]
    yield "in order", lambda: [*campaigns()]
    yield "in a frame", lambda: assemble(campaigns(), ["variation"], several=True)


def peak(files):
    """Return peak extra memory over the bytes of the frame."""
    tracemalloc.start()
    frame = read(files)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / frame.memory_usage(index=True).sum()


def of_channels(many):
    """Compare reads of campaigns with several channels with parsing them."""
    bodies = [body for of_one in many for body in of_one]
    files = [b"\n".join(of_one) for of_one in many]
    return ratio(lambda: read(files), lambda: load(bodies))


def rows(name, harsh):
    """Measure one kind of payload."""
    many = [responses.campaign(seed, harsh=harsh) for seed in range(30)]
    wide = [
        responses.campaign(seed, harsh=harsh, windows=2, channels=1 + seed % 5)
        for seed in range(24)
    ]
    bodies = [body for of_one in many for body in of_one]
    files = [b"\n".join(of_one) for of_one in many]
    one = responses.response(0, harsh=harsh, variations=6)
    if not harsh:
        same(one)
    size = f"{name}  {sum(map(len, bodies)) / 1e6:.0f} MB"
    single = f"{name}  {len(one) / 1e3:.0f} kB"
    yield f"{size}: ours / loads", ratio(lambda: read(files), lambda: load(bodies))
    yield f"{size}: peak memory / frame", peak(files)
    for step, work in up_to_each_step(many):
        yield f"{size}: up to {step}", ratio(work, lambda: load(bodies))
    yield f"{name}, 1-5 channels: ours / loads", of_channels(wide)
    long = b"\n".join(responses.campaign(0, harsh=harsh, windows=20))
    yield f"{name}, one campaign in 20 lines: peak memory / frame", peak([long])
    yield f"{single}: ours / loads", ratio(lambda: read([one]), lambda: load([one]), 20)
    plain = ratio(lambda: records(one), lambda: read([one]), 5)
    yield f"{single}: from_records / ours", plain


def with_buttons(body, count, titles):
    """Return a response of pushes with up to ``count`` buttons an entry."""
    rng = random.Random(0)
    answer = orjson.loads(body)
    for day in answer["data"]:
        for entry in day["messages"]["ios_push"][:-1]:
            for n, title in enumerate(rng.sample(titles, rng.choice(count)), start=1):
                entry[f"notif_button_{n}_{title}_click"] = rng.randrange(1000)
    return orjson.dumps(answer)


def buttons():
    """Measure what buttons cost."""
    push = responses.CHANNELS.index("ios_push")
    one = responses.response(push, variations=6)
    many = [responses.campaign(push + 5 * n) for n in range(10)]
    cases = (
        ("two each, 2 titles", [2], ["Yes", "No"]),
        ("half with 1-3, 4 titles", [0, 0, 0, 1, 2, 3], ["Yes", "No", "Buy", "Go"]),
        ("1-3, 400 titles", [1, 2, 3], [f"Title {n}" for n in range(400)]),
    )
    for name, count, titles in cases:
        more = with_buttons(one, count, titles)
        found = ratio(lambda more=more: read([more]), lambda: read([one]), 10)
        yield f"one push, {name}: buttons / without", found
    _, count, titles = cases[1]
    bare = [b"\n".join(bodies) for bodies in many]
    full = [
        b"\n".join(with_buttons(body, count, titles) for body in bodies)
        for bodies in many
    ]
    found = ratio(lambda: read(full), lambda: read(bare))
    yield f"{cases[1][0]}, {len(many)} campaigns: buttons / without", found


def left_out():
    """Measure objects of which hardly two have the same keys."""
    rng, found = random.Random(0), []
    for n in range(20):
        answer = orjson.loads(responses.response(n))
        for entry in chain.from_iterable(
            chain.from_iterable(day["messages"].values()) for day in answer["data"]
        ):
            for key in [*entry][2:]:
                if rng.random() < 1 / 3:
                    del entry[key]
        found.append(orjson.dumps(answer))
    yield (
        "stats left out: ours / loads",
        ratio(lambda: read(found), lambda: load(found)),
    )


def main():
    """Print the table."""
    for name, harsh in (("clean", False), ("harsh", True)):
        for what, value in rows(name, harsh):
            print(f"{what:<60} {value:.2f}", flush=True)
    for what, value in (*buttons(), *left_out()):
        print(f"{what:<60} {value:.2f}", flush=True)


if __name__ == "__main__":
    main()
