"""What a typed user writes; ``test_typing`` runs mypy on it."""

import pandas as pd
from matplotlib.axes import Axes

import braze_frames as bf


def read(client: bf.BrazeClient) -> pd.DataFrame:
    """Read one campaign."""
    campaigns = client.campaigns(tag="test")
    return bf.read_braze_series(campaigns, start="2026-01-01", client=client)


def keep(client: bf.BrazeClient, id_: str) -> pd.DataFrame:
    """Read through a cache, look back, and look at what it holds."""
    cache = bf.Cache("numbers", settle_days=14, max_age="2h")
    bf.read_braze_series(id_, client=client, cache=cache, refresh=True)
    bf.read_braze_series(id_, client=client, cache=cache, as_of="2026-06-01")
    removed: pd.DataFrame = cache.clear(before="2025-01-01")
    return pd.concat([cache.info(), cache.revisions(id_), removed])


def split(client: bf.BrazeClient, id_: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read all grains."""
    frames = bf.read_braze_series(id_, grain="all", client=client)
    return frames.variations, frames.elements


def add_up(df: pd.DataFrame) -> pd.DataFrame:
    """Use the accessor as a type checker sees it."""
    accessor = bf.BrazeAccessor(df)
    names: list[str] = accessor.variations + accessor.channels
    return accessor.totals(by=names[:1], freq="W")


def divide(df: pd.DataFrame) -> "pd.Series[float]":
    """Ask for one rate, and for several with intervals."""
    accessor = bf.BrazeAccessor(df)
    several: pd.DataFrame = accessor.rates(["unique_open_rate"], by=[], ci=0.95)
    own: pd.DataFrame = accessor.rates({"kept": ("sent - bounces", "sent")})
    print(several, own)
    return accessor.rates("unique_open_rate", freq="W")


def compare(df: pd.DataFrame) -> pd.DataFrame:
    """Ask which variation won, and how long to run the next test."""
    accessor = bf.BrazeAccessor(df.braze.settled(until="2026-05-30"))
    if not accessor.check(planned={"A": 50, "B": 50}).empty:
        return accessor.srm(planned={"A": 50, "B": 50})
    days: int | None = bf.sample_size(0.04, 0.1, daily=1000).days
    lift: float = bf.mde(0.04, 20_000, comparisons=2).lift
    print(days, lift, accessor.winner("conversion_rate"))
    return accessor.lift("conversion_rate", sequential=True, prior=(0.5, 0.5))


def look_back(df: pd.DataFrame) -> pd.DataFrame:
    """Compare with the weeks before, and judge all tests."""
    accessor = bf.BrazeAccessor(df)
    news: pd.DataFrame = accessor.change("unique_open_rate", last="4W", by="weekday")
    return pd.concat([news, accessor.tests("conversion_rate", settled=False)])


def plan(df: pd.DataFrame) -> float:
    """Plan the next test: one of a campaign, or a table of several."""
    accessor = bf.BrazeAccessor(df)
    size = accessor.sample_size("conversion_rate", 0.1, power=0.9, deff=1.2)
    if isinstance(size, pd.DataFrame):
        return float(size["days"].max())
    smallest = accessor.mde("conversion_rate", days=28)
    assert not isinstance(smallest, pd.DataFrame)
    return smallest.lift * (size.days + size.waiting)


def show(df: pd.DataFrame) -> str:
    """Show a table, style it further, and write it to Excel."""
    accessor = bf.BrazeAccessor(df)
    rate: str = bf.style(accessor.rates("unique_open_rate")).to_html()
    bf.to_excel({"Totals": accessor.totals(), "Raw": bf.style(df)}, "report.xlsx")
    return rate + bf.style(accessor.totals()).set_caption("Totals").to_html()


def draw(df: pd.DataFrame, ax: Axes) -> list[Axes]:
    """Draw into an Axes of one's own, and into figures of one or several panels."""
    plot = bf.BrazeAccessor(df).plot
    found = plot.rates({"kept": ("sent - bounces", "sent")}, freq="W", ci=None)
    plot.rates("unique_open_rate", by=["channel", "variation"], ax=ax)
    plot.totals(["sent", "delivered"], freq="MS", kind="lines")
    plot.funnel(by="variation", ax=ax)
    plot.lift("conversion_rate", "A", sequential=True, adjust="fdr_bh", ax=ax)
    plot.lift_over_time("conversion_rate", stratify=None, deff=1.1)
    return [found] if isinstance(found, Axes) else list(found)


def scan(cache: bf.Cache) -> pd.DataFrame:
    """Ask by parts, what fits no frame."""
    ddf = bf.scan_braze_series(cache, start="2026-01", columns=["sent"], part_size=100)
    found: pd.DataFrame = ddf.braze.totals(by="channel", freq="W").compute()
    return found


def careful(source: str) -> pd.DataFrame | None:
    """Tell errors apart."""
    try:
        with bf.Sandbox(seed=1) as sandbox, sandbox.connect() as client:
            return bf.read_braze_series(source, client=client, on_error="warn")
    except bf.PullError as error:
        failed: dict[str, Exception] = error.failed
        print(sorted(failed))
    except bf.RequestError as error:
        status: int | None = error.status
        print(status)
    return None
