"""What a typed user writes; ``test_typing`` runs mypy on it."""

import pandas as pd

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
