"""``connect``: from the environment, or the sandbox, to a client."""

import os
from typing import Any

from braze_frames.api.client import BrazeClient
from braze_frames.api.endpoints import Address
from braze_frames.transport.credentials import ApiKey


def connect(
    endpoint: str | None = None,
    api_key: str | None = None,
    *,
    tz: str | None = None,
    max_workers: int = 8,
    retries: int = 5,
    timeout: float = 30,
) -> "BrazeClient":
    """Connect to Braze, or to the sandbox.

    Parameters
    ----------
    endpoint : str, optional
        An instance (``"US-05"``, ``"EU-01"``, ``"AU-01"``, …), the REST host, its URL,
        or ``"sandbox"``. Default: ``BRAZE_REST_ENDPOINT``.
    api_key : str, optional
        Default, and better: ``BRAZE_API_KEY``.
    tz : str, optional
        The company's time zone in Braze. Default: ``BRAZE_TZ``, else UTC.
    max_workers : int
        Requests at once.
    retries : int
        How often one request is repeated after a server error or a broken connection.
    timeout : float
        Seconds to wait for a connection, and for each part of an answer; a whole one
        may take ten times as long.

    Returns
    -------
    BrazeClient

    Raises
    ------
    ConfigError
        The endpoint, the key or the time zone is missing or cannot be used. The text of
        neither endpoint nor key is shown: they may have been swapped.

    Notes
    -----
    Hosts: Braze docs, data_centers.md @7e6952e.

    Examples
    --------
    >>> with connect("sandbox") as client:
    ...     client.now().date().isoformat()
    '2026-06-30'
    """
    given = endpoint or os.environ.get("BRAZE_REST_ENDPOINT")
    sandbox, where = given == "sandbox", Address(given)
    key = None if api_key is None else ApiKey(api_key)
    del api_key, endpoint, given
    options: dict[str, Any] = {
        "max_workers": max_workers,
        "retries": retries,
        "timeout": timeout,
    }
    if sandbox:
        from braze_frames.sandbox.sandbox import shared

        return shared().connect(**options, **({"tz": tz} if tz else {}))
    key = key or ApiKey(os.environ.get("BRAZE_API_KEY"))
    tz = tz or os.environ.get("BRAZE_TZ") or "UTC"
    return BrazeClient(where, key, tz=tz, **options)
