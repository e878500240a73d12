"""Which way leads from a source to its campaigns: here, the API, a cache, or both."""

from typing import Any

from braze_frames.account import connect
from braze_frames.api.client import BrazeClient
from braze_frames.cache.cache import Cache
from braze_frames.sources.cached import read_cached
from braze_frames.sources.local import read_local
from braze_frames.sources.offline import read_cache, read_earlier
from braze_frames.sources.plan import Pulled, ReadPlan, Request
from braze_frames.sources.recognise import recognise
from braze_frames.sources.remote import read_remote


def pull(source: Any, plan: ReadPlan) -> Pulled:
    """Read the campaigns of a source.

    Raises
    ------
    ValueError
        Options contradict each other or the source.
    """
    if isinstance(source, Cache):
        return read_cache(source, plan)
    request = recognise(source)
    if plan.as_of is not None and (plan.cache is None or not request.remote):
        raise ValueError(
            f"as_of={plan.as_of!r} needs the history that a cache keeps; pass ids, and "
            "cache= with the folder that was used then"
        )
    if not request.remote:
        return read_local(request, plan)
    client = _client_of(plan)
    try:
        _check_zone(plan.tz, client)
        return _ask(request, plan, client)
    finally:
        if plan.client is None:
            client.close()


def _ask(request: Request, plan: ReadPlan, client: BrazeClient) -> Pulled:
    if plan.cache is None:
        return read_remote(request, plan, client)
    if plan.as_of is None:
        return read_cached(request, plan, client, plan.cache)
    return read_earlier(request, plan, client, plan.cache)


def _client_of(plan: ReadPlan) -> BrazeClient:
    given: Any = plan.client  # what users pass for one
    if given is None:
        return connect(tz=plan.tz)
    if isinstance(given, BrazeClient):
        return given
    # A longer text may be the key.
    shown = repr(given) if len(str(given)) <= len("sandbox") else type(given).__name__
    raise TypeError(
        f'client={shown} is no client; pass client=bf.connect("sandbox"), or '
        'bf.connect("US-05") with your instance'
    )


def _check_zone(tz: str | None, client: BrazeClient) -> None:
    if tz is not None and tz != client.tz:
        raise ValueError(
            f"tz={tz!r} is not the client's, {client.tz!r}: leave it out, or pass it "
            "to connect"
        )
