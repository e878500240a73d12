"""Many processes that write one campaign in a store, and are killed in the middle.

Run ``python tests/storage/writers.py`` for 4 processes of 25 writes each, of which one
in ten is killed between two objects; prints how many acknowledged days were lost. With
``plain`` behind it each write is unconditional, as a proof that the count can fail.
"""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from braze_frames.cache.campaign import CampaignFiles, Update
from braze_frames.core.arrays import Column
from braze_frames.payload.batch import Batch, EntryKey, elements_of
from braze_frames.payload.columns import Stats
from braze_frames.storage.objects import ObjectStorage
from braze_frames.storage.store import Store

ID = "3bbc4555-8fa1-4c9b-a46e-48a8b1d9b5f1"
FIRST, MOMENT = 20_000, 1_780_000_000_000_000


def column(value):
    """Return a column of one number."""
    return Column(np.array([value]), np.zeros(1, dtype=bool))


def one_day(number):
    """Return a day whose numbers are its own; every third has an unknown stat."""
    extra = {} if number % 3 else {"winks": column(number)}
    sent = {"sent": column(number), **extra}
    days, nothing = np.array([FIRST + number]), np.zeros(1, dtype=np.int64)
    return Batch(
        *("made up", days, days, Stats({"conversions": column(number)}), Stats(sent)),
        *(nothing, nothing, [EntryKey("email", "a", "A", 0)], elements_of([]), []),
    )


class Mortal(Store):
    """A store whose process ends before the ``lives``-th object of a campaign."""

    lives = None
    plain = False

    def put(self, key, body, tag):
        if "campaign_id" in key and self.lives is not None:
            if not self.lives:
                os.kill(os.getpid(), signal.SIGKILL)
            self.lives -= 1
        if self.plain and "campaign_id" in key:
            self.overwrite(key, body)
            return True
        return super().put(key, body, tag)


def files_at(url, endpoint, kind=Store):
    """Return the campaign's files in a store on loopback, which asks for no rights."""
    from obstore.store import from_url

    keys = {"aws_access_key_id": "made-up", "aws_secret_access_key": "made-up"}
    config = {"endpoint": endpoint, "region": "us-east-1", **keys}
    store = kind(from_url(url, config=config, client_options={"allow_http": True}), url)
    return CampaignFiles(ObjectStorage(store, "host"), ID)


def write(url, endpoint, mode, share, first, last):
    """Write days, one after the other; print each once it is stored."""
    files = files_at(url, endpoint, Mortal)
    store, rng = files.storage.store, random.Random(int(first))
    store.plain = mode == "plain"
    for number in range(int(first), int(last)):
        # between the first and the last of four objects
        store.lives = rng.randint(1, 3) if rng.random() < float(share) else None
        files.write(Update([one_day(number)], MOMENT + number, "UTC"))
        print(number, flush=True)


def written(told, first, last):
    """Let a process write days; where it is killed another goes on with the next one.

    Returns the days that were said to be stored, and the number of kills.
    """
    said, kills = [], 0
    while first < last:
        command = [sys.executable, __file__, *told, str(first), str(last)]
        done = subprocess.run(  # noqa: S603
            command, stdout=subprocess.PIPE, text=True, check=False
        )
        assert done.returncode in (0, -signal.SIGKILL)
        said += (days := [int(line) for line in done.stdout.splitlines()])
        killed = done.returncode != 0
        kills, first = kills + killed, first + len(days) + killed
    return said, kills


def run(url, endpoint, *, writers=4, writes=25, share=0.1, mode="conditional"):
    """Let processes write side by side; return days said to be stored, kills, lost."""
    told = (url, endpoint, mode, str(share))
    with ThreadPoolExecutor(writers) as pool:
        firsts = [number * writes for number in range(writers)]
        found = pool.map(lambda first: written(told, first, first + writes), firsts)
        days, kills = zip(*found, strict=True)
    said = {day for one in days for day in one}
    held = {
        int(day) - FIRST for day in files_at(url, endpoint).coverage().coverage.days
    }
    return said, sum(kills), said - held


def main():
    """Serve an S3, run, and print what was found."""
    from tests.stores import s3

    began, mode = time.perf_counter(), (*sys.argv[1:], "conditional")[0]
    with s3() as endpoint:
        said, kills, lost = run("s3://team/braze", endpoint, mode=mode)
    print(
        f"{mode}: {len(said)} days acknowledged, {kills} writers killed, "
        f"{len(lost)} days lost, {time.perf_counter() - began:.0f} s"
    )


if __name__ == "__main__":
    write(*sys.argv[1:]) if len(sys.argv) > 3 else main()
