"""Which way leads from a source to its campaigns: here, the API, a cache, or both."""

from typing import Any

from braze_frames.account import connect
from braze_frames.api.client import BrazeClient
from braze_frames.cache.cache import Cache
from braze_frames.core.names import shown
from braze_frames.errors import ConfigError, SourceError
from braze_frames.sources.cached import read_cached
from braze_frames.sources.local import read_local
from braze_frames.sources.offline import read_cache, read_earlier
from braze_frames.sources.plan import Pulled, ReadPlan, Request
from braze_frames.sources.recognise import recognise
from braze_frames.sources.remote import read_remote
from braze_frames.sources.resolve import look_up


def pull(source: Any, plan: ReadPlan) -> Pulled:
    """Read the campaigns of a source.

    Raises
    ------
    ValueError
        Options contradict each other or the source.
    """
    if isinstance(source, Cache):
        return read_cache(source, plan)
    request = recognise(source, plan.zone)
    if plan.as_of is not None and (plan.cache is None or not request.remote):
        raise ValueError(
            f"as_of={plan.as_of!r} needs the history that a cache keeps; pass ids, and "
            "cache= with the folder that was used then"
        )
    if not request.remote:
        return read_local(request, plan)
    client = _client_of(request, plan)
    try:
        _check_zone(plan.tz, client)
        return _ask(look_up(request, client), plan, client)
    finally:
        if plan.client is None:
            client.close()


def _ask(request: Request, plan: ReadPlan, client: BrazeClient) -> Pulled:
    if plan.cache is None:
        return read_remote(request, plan, client)
    if plan.as_of is None:
        return read_cached(request, plan, client, plan.cache)
    return read_earlier(request, plan, client, plan.cache)


def _client_of(request: Request, plan: ReadPlan) -> BrazeClient:
    given: Any = plan.client  # what users pass for one
    if given is None:
        return _connected(request, plan.tz)
    if isinstance(given, BrazeClient):
        return given
    # A longer text may be the key.
    told = repr(given) if len(str(given)) <= len("sandbox") else type(given).__name__
    raise TypeError(
        f'client={told} is no client; pass client=bf.connect("sandbox"), or '
        'bf.connect("US-05") with your instance'
    )


def _connected(request: Request, tz: str | None) -> BrazeClient:
    try:
        return connect(tz=tz)
    except ConfigError as error:
        names = [item.name for item in request.items if item.name]
        if not names:
            raise
        raise SourceError(
            f"{shown(names[0])} is no campaign id (a UUID) and no file; to look for "
            f"campaigns of this name connect first: {error}"
        ) from None


def _check_zone(tz: str | None, client: BrazeClient) -> None:
    if tz is not None and tz != client.tz:
        raise ValueError(
            f"tz={tz!r} is not the client's, {client.tz!r}: leave it out, or pass it "
            "to connect"
        )
