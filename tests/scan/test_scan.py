"""The verbs by parts of whole campaigns, against the same of the one frame."""

import warnings

import pandas as pd
import pytest

import braze_frames as bf

dask = pytest.importorskip(
    "dask", reason="parts run on dask: pip install 'braze-frames[scale]'"
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Store 40 days of the sandbox's campaigns."""
    cache = bf.Cache(tmp_path_factory.mktemp("numbers"))
    with bf.Sandbox() as sandbox, sandbox.connect() as client:
        bf.read_braze_series(
            client.campaigns(), length=40, client=client, cache=cache, progress=False
        )
    return cache


@pytest.fixture(scope="module")
def whole(cache):
    """Read them into one frame."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.PayloadWarning)
        return bf.read_braze_series(cache)


def told(ask):
    """Return an answer, what it warns of and in which file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answer = ask()
    return answer, [(str(one.message), one.category, one.filename) for one in caught]


def assert_alike(ask, ddf, whole, **options):
    """Ask a frame in parts and the whole; compare all that they say."""
    found, said = told(lambda: ask(ddf).compute(scheduler="sync", **options))
    expected, wanted = told(lambda: ask(whole))
    compare = pd.testing.assert_series_equal
    if isinstance(expected, pd.DataFrame):
        compare = pd.testing.assert_frame_equal
    compare(found, expected, rtol=1e-12)
    assert found.attrs == expected.attrs
    assert said == wanted


@pytest.fixture(scope="module", params=[1, 5])
def parts(request, cache):
    """Read the parts once; each has one or five campaigns."""
    return bf.scan_braze_series(cache, part_size=request.param).persist()


RATES = ["delivery_rate", "unique_click_rate", "conversion_rate", "total_click_rate"]
BY = [None, [], "channel", ["weekday", "variation"]]


@pytest.mark.parametrize("freq", [None, "W", "10D"])
def test_sums_and_rates_of_parts_are_those_of_the_whole(parts, whole, freq):
    for by in BY[:-1] if freq else BY:
        assert_alike(lambda df: df.braze.totals(by, freq), parts, whole)  # noqa: B023
        rates = lambda df: df.braze.rates(RATES, by, freq, ci=0.9)  # noqa: B023, E731
        assert_alike(rates, parts, whole)


METRIC = "conversion_rate_by_send_time"
QUESTIONS = {
    "lift": lambda df: df.braze.lift(METRIC),
    "lifts": lambda df: df.braze.lift([METRIC, "unique_open_rate"], pairs=True),
    "over time": lambda df: df.braze.lift(
        "conversion_rate", cumulative=True, prior=(1, 1)
    ),
    "winner": lambda df: df.braze.winner(),
    "clicks": lambda df: df.braze.winner("unique_click_rate"),
    "srm": lambda df: df.braze.srm(),
    "srm of new people": lambda df: df.braze.srm(people="new"),
    "check": lambda df: df.braze.check(),
    "tests": lambda df: df.braze.tests(),
    "all days": lambda df: df.braze.tests("unique_open_rate", settled=False),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_tests_of_parts_are_those_of_the_whole(parts, whole, question):
    assert_alike(QUESTIONS[question], parts, whole)
