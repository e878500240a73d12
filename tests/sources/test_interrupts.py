"""Ctrl-C at any point of a pull: it ends at once, and what came is stored."""

import subprocess
import sys

import pytest

import braze_frames as bf

from ..payloads import as_bytes, day, entry, response
from ..servers import answer, serve

IDS = [f"{n:08d}-8fa1-4c9b-a46e-48a8b1d9b5f1" for n in range(8)]
DAY = "2026-06-30"
GOOD = as_bytes(response(day(DAY, {"email": [entry("A", IDS[0], sent=1)]})))

# A signal to itself, at the n-th call of a function of the room: no other moment.
PROGRAM = f"""
import os, signal, sys, threading
import braze_frames as bf

url, folder, room, calls = sys.argv[1:]
left = int(calls)

def interrupt(frame, event, _):
    global left
    if event == "call" and f"braze_frames/{{room}}/" in frame.f_code.co_filename:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGINT)

client = bf.BrazeClient(url, "made-up-key-1234")
try:
    bf.read_braze_series({IDS[:1]!r}, start="{DAY}", end="{DAY}", client=client,
                         cache=folder, progress=False)  # both are imported now
    sys.setprofile(interrupt)
    bf.read_braze_series({IDS!r}, start="{DAY}", end="{DAY}", client=client,
                         cache=folder + "-2", progress=False)
except KeyboardInterrupt:
    sys.setprofile(None)
    print([t.name for t in threading.enumerate() if "braze" in t.name], left <= 0)
    raise
"""


@pytest.mark.parametrize(
    ("room", "calls"),
    [("payload", 40), ("cache", 100), ("cache", 400)],
)
def test_a_pull_that_is_interrupted_ends_and_keeps_what_came(tmp_path, room, calls):
    folder = str(tmp_path / "cache")
    with serve(answer(body=GOOD)) as (script, url):
        command = [sys.executable, "-c", PROGRAM, url, folder, room, str(calls)]
        run = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=120, check=False
        )
        assert run.stderr.strip().endswith("KeyboardInterrupt"), run.stderr
        assert run.stdout.strip() == "[] True"
        kept = len(bf.Cache(f"{folder}-2").info())
        asked = len(script.requests)
        with bf.BrazeClient(url, "made-up-key-1234") as client:
            options = {"start": DAY, "end": DAY, "client": client}
            frame = bf.read_braze_series(IDS, cache=f"{folder}-2", **options)
    assert len(frame) == len(IDS)
    assert len(script.requests) == asked + len(IDS) - kept
