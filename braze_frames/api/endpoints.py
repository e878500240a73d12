"""Where to ask: instances, hosts and time zones, checked before anything is sent."""

import re
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from braze_frames.errors import ConfigError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HOW_TO_SET = (
    'pass bf.connect("US-05") (your instance, or the REST host), or set '
    'BRAZE_REST_ENDPOINT; bf.connect("sandbox") needs no account'
)
_INSTANCE = re.compile(r"(US|EU|AU)-(\d{2})", re.IGNORECASE)
_HOSTS = {
    "US": "rest.iad-{}.braze.com",
    "EU": "rest.fra-{}.braze.eu",
    "AU": "rest.au-{}.braze.com",
}


def url_of(endpoint: str) -> str:
    """Return the address that an instance, a host or a URL means.

    Raises
    ------
    ConfigError
        It is none of these, or would send the key in the open.

    Notes
    -----
    Hosts: Braze docs, data_centers.md @7e6952e.

    Examples
    --------
    >>> url_of("US-05")
    'https://rest.iad-05.braze.com'
    """
    text = endpoint.strip()
    instance = _INSTANCE.fullmatch(text)
    if instance:
        return "https://" + _HOSTS[instance[1].upper()].format(instance[2])
    parts = urlsplit(text if "://" in text else f"https://{text}")
    host = parts.hostname or ""
    loopback = host in LOOPBACK
    if not loopback and "." not in host.strip("."):
        raise ConfigError(f"{endpoint!r} is no instance and no host; {HOW_TO_SET}")
    if parts.scheme not in {"https", "http"} or (
        parts.scheme == "http" and not loopback
    ):
        raise ConfigError(
            f"{parts.scheme}://{host} would send the key in the open; use https://"
        )
    if parts.username or parts.password or parts.query:
        raise ConfigError(
            f"the endpoint {host!r} holds more than a host; pass only that"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def address_of(url: str) -> str:
    """Return what tells an endpoint from others: host, port and path of its URL.

    Examples
    --------
    >>> address_of("https://rest.iad-05.braze.com")
    'rest.iad-05.braze.com'
    """
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname}{port}{parts.path}"


def zone_of(tz: str) -> ZoneInfo:
    """Return the time zone of that name.

    Raises
    ------
    ConfigError
        There is none.
    """
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        pass
    raise ConfigError(
        f"tz={tz!r} is no time zone; use a name such as 'Europe/Berlin' or 'UTC'"
    )
