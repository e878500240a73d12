"""Bytes → frame against ``orjson.loads`` and ``DataFrame.from_records``, side by side.

Run ``python tests/benchmarks/parse.py``. Ratios are CPU over CPU in one process, the
median of pairs; the garbage collector is left as users have it.
"""

import io
import statistics
import time
import tracemalloc

import orjson
import pandas as pd
import responses

import braze_frames as bf

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


def peak(files):
    """Return peak extra memory over the bytes of the frame."""
    tracemalloc.start()
    frame = read(files)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / frame.memory_usage(index=True).sum()


def rows(name, harsh):
    """Measure one kind of payload."""
    many = [responses.campaign(seed, harsh=harsh) for seed in range(30)]
    bodies = [body for of_one in many for body in of_one]
    files = [b"\n".join(of_one) for of_one in many]
    one = responses.response(0, harsh=harsh, variations=6)
    if not harsh:
        same(one)
    size = f"{name}  {sum(map(len, bodies)) / 1e6:.0f} MB"
    single = f"{name}  {len(one) / 1e3:.0f} kB"
    yield f"{size}: ours / loads", ratio(lambda: read(files), lambda: load(bodies))
    yield f"{size}: peak memory / frame", peak(files)
    yield f"{single}: ours / loads", ratio(lambda: read([one]), lambda: load([one]), 20)
    plain = ratio(lambda: records(one), lambda: read([one]), 5)
    yield f"{single}: from_records / ours", plain


def main():
    """Print the table."""
    for name, harsh in (("clean", False), ("harsh", True)):
        for what, value in rows(name, harsh):
            print(f"{what:<38} {value:.2f}")


if __name__ == "__main__":
    main()
