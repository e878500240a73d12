"""Fixtures: the sandbox, a client of it, a frame read from it."""

import os
import signal

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import settings

import braze_frames as bf

from .trials import CONTROL, binomial, trial

settings.register_profile("here", deadline=None)
# The same examples each time: to run more of them finds nothing new the second time.
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=25)
# The oldest versions are asked after the newest: fewer find what differs there.
settings.register_profile("oldest", settings.get_profile("ci"), max_examples=8)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# What starts the tests in the background may ignore SIGINT, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

plt.switch_backend("agg")  # no window, whatever this machine's settings are

collect_ignore = ["benchmarks", "simulations"]

TESTED = "Basket Reminder: Subject Test"


@pytest.fixture(autouse=True)
def no_account(monkeypatch):
    """Keep the developer's own account out of the tests."""
    for name in ("BRAZE_API_KEY", "BRAZE_REST_ENDPOINT", "BRAZE_TZ"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_figures_left():
    """Close what a test drew."""
    yield
    plt.close("all")


@pytest.fixture
def sandbox():
    """Serve a sandbox of the test's own."""
    with bf.Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox):
    """Connect to the sandbox."""
    with sandbox.connect() as client:
        yield client


@pytest.fixture(scope="session")
def frame():
    """Read a test with a control group: four weeks."""
    with bf.Sandbox() as sandbox, sandbox.connect() as client:
        return bf.read_braze_series(
            sandbox.campaigns[TESTED], end="2026-05-24", length=28, client=client
        )


@pytest.fixture(scope="session")
def growing():
    """Read two months of the same test until today, of which one still grows."""
    with bf.Sandbox() as sandbox, sandbox.connect() as client:
        return bf.read_braze_series(
            sandbox.campaigns[TESTED], end="2026-06-30", length=60, client=client
        )


@pytest.fixture(scope="session")
def shop():
    """Read five channels of one campaign, and an SMS and a webhook of another."""
    with bf.Sandbox() as sandbox, sandbox.connect() as client:
        names = ["Summer Collection", "Order Updates"]
        ids = {name: sandbox.campaigns[name] for name in names}
        return bf.read_braze_series(ids, end="2026-06-20", length=20, client=client)


@pytest.fixture
def rng():
    """Random numbers of the test's own."""
    return np.random.default_rng(20260302)


@pytest.fixture
def month(rng):
    """Four weeks of two variations and a control."""
    return trial(
        {
            "A": binomial(rng, 0.06, 1000, 28),
            "B": binomial(rng, 0.05, 1100, 28),
            CONTROL: binomial(rng, 0.05, 900, 28),
        }
    )


@pytest.fixture
def sound(rng):
    """Four weeks of a variation and a control, with new people on each day."""

    def arm(rate):
        sizes = rng.poisson(1000, 28).tolist()
        return [(int(rng.binomial(n, rate)), n) for n in sizes]

    return trial({"A": arm(0.06), CONTROL: arm(0.05)})
