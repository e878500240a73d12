"""Answers against plain pandas, against their own sums, and on rows in no order.

Run ``python tests/benchmarks/answers.py``, or with the names of some parts behind it:
``large lifts growing each lengths orders questions names``. CPU over CPU in one
process, the median of pairs, each on an index that nothing is cached for. A line has
ours, what it is measured against, their ratio, and the goal of the ratio or of ours.
What must be linear is asked of two sizes: twice the days may take 2.5 times as long, 4
times the tests 4.4 times. Ratios of one run differ by 20 % from those of the next.
"""

import statistics
import sys
import time
import warnings

import numpy as np
import pandas as pd

import braze_frames as bf
from braze_frames.core.names import disambiguate, tell_apart
from braze_frames.schema.channels import CHANNEL_STATS

PAIRS = 5
KEYS = ["channel", "variation"]
METRIC = "conversion_rate_by_send_time"
USERS = ["unique_recipients", "conversions", METRIC.replace("_rate", "s")]


def cpu(work):
    """Return the CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def median(work, base):
    """Return the medians of ``work``, of ``base`` and of their ratio, in turn."""
    pairs = [(cpu(work), cpu(base)) for _ in range(PAIRS + 1)][1:]
    ratios = [ours / theirs for ours, theirs in pairs]
    return [statistics.median(column) for column in (*zip(*pairs, strict=True), ratios)]


def index(campaigns, days, channels, variations):
    """Return an index of all combinations, sorted as the contract wants it."""
    names = [f"campaign {n:05}" for n in range(campaigns)]
    dates = pd.date_range("2025-01-01", periods=days).as_unit("us")
    arms = [*(f"V{n}" for n in range(1, variations)), "Control Group"]
    return pd.MultiIndex.from_product(
        [names, dates, channels, sorted(arms)], names=["campaign", "date", *KEYS]
    )


def frame(of, rng):
    """Fill an index with what its channels and the users of a test give."""
    channel = of.get_level_values("channel")
    control = of.get_level_values("variation") == "Control Group"
    columns = {}
    for stat in dict.fromkeys([*CHANNEL_STATS["email"], *CHANNEL_STATS["ios_push"]]):
        own = [name for name in set(channel) if stat in CHANNEL_STATS[name]]
        columns[stat] = integers(rng, len(of), ~channel.isin(own) | control)
    for stat in USERS:
        columns[stat] = integers(rng, len(of), np.zeros(len(of), dtype=bool))
    return pd.DataFrame(columns, index=of)


def integers(rng, size, missing):
    """Return counts, some of them missing."""
    counts = rng.integers(0, 1000, size)
    return pd.arrays.IntegerArray(np.where(missing, 0, counts), missing.copy())


def fresh(df):
    """Return the frame with an index that nothing is cached for."""
    of = df.index
    new = pd.MultiIndex(levels=of.levels, codes=of.codes, names=of.names)
    return df.set_axis(new)


def plain_totals(df):
    """Sum the plain way."""
    return df.groupby(level=KEYS).sum(min_count=1)


def plain_rates(df):
    """Divide weekly sums the plain way."""
    sums = df.groupby([pd.Grouper(level="date", freq="W"), *KEYS]).sum(min_count=1)
    return sums["unique_opens"] / sums["delivered"]


def show(what, ours, base, ratio, goal):
    """Print a line."""
    print(f"{what:<52}{1e3 * ours:9.1f} ms{1e3 * base:9.1f} ms{ratio:8.2f}  {goal}")


def large(rng):
    """Print totals and rates of 2 million rows."""
    df = frame(index(913, 365, ["email", "ios_push"], 3), rng)
    print(f"{len(df):,} rows, {df.shape[1]} stats; ours, base, base / ours, goal")
    few = df[["sent", "unique_recipients", "conversions"]]
    for name, part, goal in (("all stats", df, 2.5), ("three stats", few, 4)):
        wanted = plain_totals(part)
        ours = part.braze.totals(by=KEYS)[list(part)]
        pd.testing.assert_frame_equal(ours, wanted)
        found = median(
            lambda part=part: fresh(part).braze.totals(by=KEYS),
            lambda part=part: plain_totals(fresh(part)),
        )
        what = f"totals by channel, variation: {name}"
        show(what, *found[:2], 1 / found[2], f">= {goal}")
    sides = df[["unique_opens", "delivered"]]
    for name, part in (("frame of all stats", df), ("frame of its two", sides)):
        found = median(
            lambda part=part: fresh(part).braze.rates(
                "unique_open_rate", by=KEYS, freq="W"
            ),
            lambda part=part: plain_rates(fresh(part)),
        )
        show(f"one rate by week: {name}", *found[:2], 1 / found[2], ">= 5")


def tested(campaigns, days, variations, rng):
    """Return tests with people and conversions."""
    of = index(campaigns, days, ["email"], variations)
    units = rng.integers(800, 1200, len(of))
    bought = pd.array(rng.binomial(units, 0.05), dtype="Int64")
    columns = {"unique_recipients": pd.array(units, dtype="Int64"), USERS[2]: bought}
    spent = pd.array(np.round(rng.gamma(0.5, 20, len(of)) * bought, 2), "Float64")
    return pd.DataFrame({**columns, "revenue": spent}, index=of)


def lifts(rng):
    """Print lift against the sums of the same frame."""
    print("\nlift; ours, its sums, ours / sums, goal")
    one = tested(1, 120, 9, rng).droplevel("campaign")
    many = tested(200, 100, 6, rng)
    cases = (
        ("1 campaign, 9 variations, 120 days", one, KEYS, "<= 3 or 50 ms"),
        (
            "200 campaigns, 6 variations, 100 days",
            many,
            ["campaign", *KEYS],
            "<= 5 or 2 s",
        ),
    )
    for what, df, by, goal in cases:
        found = median(
            lambda df=df: df.braze.lift(METRIC),
            lambda df=df, by=by: df.braze.totals(by=by),
        )
        show(what, *found, goal)


def sparse(days, rng):
    """Return a test of 20 people and about one conversion a day and variation."""
    df = tested(1, days, 3, rng).droplevel("campaign")
    df["unique_recipients"] = pd.array(np.full(len(df), 20), dtype="Int64")
    df[USERS[2]] = pd.array(rng.binomial(20, 0.05, len(df)), dtype="Int64")
    return df


def growing(rng):
    """Print a lift for each day against one of all days, and twice the days."""
    long, twice = (
        tested(1, days, 3, rng).droplevel("campaign") for days in (1095, 2190)
    )
    few, more = (sparse(days, rng) for days in (1095, 2190))
    print("\ncumulative lift, 3 variations; ours, base, ours / base, goal")
    for what, metric, options in (
        ("by day", METRIC, {}),
        ("by day, always valid", METRIC, {"sequential": True}),
        ("pooled", METRIC, {"stratify": None}),
        ("over days", METRIC, {"se": "day"}),
        ("revenue", "revenue_per_recipient", {"sequential": True}),
        ("with a prior", METRIC, {"prior": (0.5, 0.5)}),
    ):

        def ask(df, metric=metric, options=options):
            return df.braze.lift(metric, cumulative=True, **options)

        found = median(lambda ask=ask: ask(twice), lambda ask=ask: ask(long))
        show(f"{what}: 2,190 over 1,095 days (1.5 s)", *found, "<= 2.5")
        found = median(lambda ask=ask: ask(more), lambda ask=ask: ask(few))
        show(f"{what}, sparse: 2,190 over 1,095 days", *found, "<= 2.5")


def each(rng):
    """Print verbs on 2,000 tests over 500 of them, by test; then with findings in all.

    The ratio is that of the times by test: 1.1 is 4.4 times as long for 4 times the
    tests.
    """
    few, many = (tested(count, 100, 3, rng) for count in (500, 2000))
    print("\nby test, 3 variations, 100 days; of 2,000, of 500, ratio, goal of a test")
    by_test("", few, many)
    print("\nthe same, and all tests have a split that is off, moved, and noisy days")
    by_test(", findings", *(doubtful(df, rng) for df in (few, many)))


def doubtful(df, rng):
    """Return tests of which there is much to say."""
    late = df.index.get_level_values("date").day_of_year > 50
    more = np.where(df.index.get_level_values("variation") == "V1", 1.2 + late, 1)
    units = (df["unique_recipients"].to_numpy() * more).astype(int)
    swing = np.exp(rng.normal(0, 0.5, len(df)))
    bought = rng.binomial(units, np.clip(0.05 * swing, 0, 1))
    return df.assign(
        unique_recipients=pd.array(units, "Int64"),
        **{USERS[2]: pd.array(bought, "Int64")},
    )


def by_test(what, few, many):
    """Print the time of each verb by test."""
    for name, goal, verb in (
        ("lift", "1 ms", lambda df: df.braze.lift(METRIC)),
        ("lift with prior", "2 ms", lambda df: df.braze.lift(METRIC, prior=(0.5, 0.5))),
        ("check", ".4 ms", lambda df: df.braze.check()),
        ("tests", "", lambda df: df.braze.tests()),
        ("winner", "", lambda df: df.braze.winner(METRIC)),
        ("srm", "", lambda df: df.braze.srm()),
        ("change", "", lambda df: df.braze.change(METRIC)),
    ):
        found = median(lambda verb=verb: verb(many), lambda verb=verb: verb(few))
        ours, base, ratio = found[0] / 2000, found[1] / 500, found[2] / 4
        show(f"{name}{what}", ours, base, ratio, f"<= 1.1, {goal}".rstrip(", "))


def lengths(rng):
    """Print verbs on tests of a month with one of three years among them."""
    short = tested(1000, 30, 3, rng)
    years = tested(1, 1095, 3, rng).rename({"campaign 00000": "years"}, level=0)
    mixed = pd.concat([short, years])
    print("\n1,000 tests of a month; with one of 3 years, without it, ratio, goal")
    for name, verb in (
        ("lift", lambda df: df.braze.lift(METRIC)),
        ("check", lambda df: df.braze.check()),
        ("tests", lambda df: df.braze.tests()),
        ("winner", lambda df: df.braze.winner(METRIC)),
        ("srm", lambda df: df.braze.srm()),
        ("rates over days", lambda df: df.braze.rates(METRIC, ci=0.95, se="day")),
    ):
        found = median(
            lambda verb=verb: verb(fresh(mixed)), lambda verb=verb: verb(fresh(short))
        )
        show(name, *found, "<= 1.5")


def shuffled(df):
    """Return the rows in no order, with an index that nothing is cached for."""
    return fresh(df.sample(frac=1, random_state=0))


def orders(rng):
    """Print each verb on shuffled rows against the same rows in order."""
    wide = frame(index(400, 365, ["email", "ios_push"], 3), rng)
    tests = tested(100, 100, 4, rng)
    print(f"\nany order; shuffled, sorted, shuffled / sorted: {len(wide):,} rows")
    for name, df, verb in (
        ("card", wide, lambda df: repr(df.braze)),
        ("totals", wide, lambda df: df.braze.totals()),
        ("totals by weekday", wide, lambda df: df.braze.totals(by="weekday")),
        ("totals by week", wide, lambda df: df.braze.totals(freq="W")),
        ("rates", wide, lambda df: df.braze.rates()),
        ("rates with intervals", wide, lambda df: df.braze.rates(ci=0.95)),
        ("change", wide, lambda df: df.braze.change("unique_open_rate")),
        ("settled", wide, lambda df: df.braze.settled("2025-06-30")),
        ("lift", tests, lambda df: df.braze.lift(METRIC)),
        ("tests", tests, lambda df: df.braze.tests()),
        ("winner", tests, lambda df: df.braze.winner(METRIC)),
        ("srm", tests, lambda df: df.braze.srm()),
        ("check", tests, lambda df: df.braze.check()),
        ("mde", tests, lambda df: df.braze.mde(METRIC)),
    ):
        mixed = shuffled(df)
        found = median(
            lambda verb=verb, mixed=mixed: verb(fresh(mixed)),
            lambda verb=verb, df=df: verb(fresh(df)),
        )
        show(name, *found, "<= 1.5")


def questions(rng):
    """Print what came later against the totals of the same frame."""
    tests = tested(100, 100, 4, rng)
    owners = pd.Series({name: name[-1] for name in tests.braze.campaigns}, name="owner")
    owned = tests.join(owners.rename_axis("campaign"), on="campaign")
    print(f"\nquestions; theirs, totals, theirs / totals: {len(tests):,} rows")
    for name, ask, goal in (
        ("totals by weekday", lambda: tests.braze.totals(by="weekday"), "<= 3"),
        ("totals by owner", lambda: owned.braze.totals(by="owner"), "<= 3"),
        ("change of all campaigns", lambda: tests.braze.change(METRIC), "<= 10"),
        ("all tests", lambda: tests.braze.tests(METRIC), "100 campaigns <= .3 s"),
    ):
        found = median(ask, tests.braze.totals)
        show(name, *found, goal)


def names(rng):
    """Print the help card, and labels of campaigns that share a name."""
    print("\ncard and names; ours, the same of a third, ours / theirs")
    sizes = {"1,000 campaigns": (1000, 365), "10,000 campaigns": (10_000, 36)}
    for what, (campaigns, days) in sizes.items():
        wide = tested(campaigns, days, 4, rng)
        third = wide[: len(wide) // 3]
        for how, df, base in (
            ("", wide, third),
            (", shuffled", shuffled(wide), shuffled(third)),
        ):
            found = median(
                lambda df=df: repr(fresh(df).braze),
                lambda base=base: repr(fresh(base).braze),
            )
            show(f"card of {len(df):,} rows, {what}{how}", *found, "<= 50 ms")
    ids = [f"{n:08x}" for n in rng.permutation(30_000)]
    found = median(
        lambda: disambiguate("Newsletter", ids),
        lambda: disambiguate("Newsletter", ids[:10_000]),
    )
    show(f"labels of {len(ids):,} campaigns of one name", *found, "<= 4")
    same = ["Newsletter"] * 30_000
    found = median(lambda: tell_apart(same, 40), lambda: tell_apart(same[:10_000], 40))
    show(f"{len(same):,} equal names in a picture", *found, "<= 4")


PARTS = (large, lifts, growing, each, lengths, orders, questions, names)


def main(asked):
    """Print all of it, or the parts asked for."""
    warnings.simplefilter("ignore", bf.BrazeWarning)
    rng = np.random.default_rng(0)
    for part in PARTS:
        if not asked or part.__name__ in asked:
            part(rng)


if __name__ == "__main__":
    main(sys.argv[1:])
