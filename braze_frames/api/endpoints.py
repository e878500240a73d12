"""Where to ask: instances, hosts and time zones, checked before anything is sent."""

import re
from typing import NamedTuple, NoReturn
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from braze_frames.errors import ConfigError
from braze_frames.transport.credentials import ApiKey

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HOW_TO_SET = (
    'pass bf.connect("{}") (your instance, or the REST host), or set '
    'BRAZE_REST_ENDPOINT; bf.connect("sandbox") needs no account'
)


class _Region(NamedTuple):
    """How addresses name a region: in REST and SDK hosts, and after ``braze.``."""

    code: str
    host: str
    domain: str


# Braze docs, data_centers.md @7e6952e; ID, JP, KR and US-10: its newest edition.
_REGIONS = (
    _Region("US", "iad", "com"),
    _Region("EU", "fra", "eu"),
    _Region("AU", "au", "com"),
    _Region("ID", "id", "com"),
    _Region("JP", "jp", "com"),
    _Region("KR", "kr", "com"),
)
_WORD_OF_DOMAIN = {"com": "us", "eu": "eu"}
# The one instance whose host does not follow from its region.
_EXCEPTIONS = {"US-10": "rest.us-10.braze.com"}

_CODE = "|".join(region.code for region in _REGIONS)
_WORD = "|".join([_CODE, *(region.host for region in _REGIONS)])
_INSTANCE = re.compile(rf"({_CODE})-([0-9]{{2}})", re.IGNORECASE)
_NEAR = re.compile(
    rf"\W*(?:(?:dashboard|sdk|rest)\W)?(?:({_WORD})[\W_]*|(?<=dashboard.))([0-9]{{1,2}})\W*",
    re.IGNORECASE,
)
_BRAZE_HOST = re.compile(
    rf"(\w+)[-.](?:({_WORD})-?)?([0-9]{{1,2}})\.braze\.(com|eu)", re.IGNORECASE
)
# A label of a host's name: RFC 1123, and underscores, which inner networks use.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?i){_LABEL}(?:\.{_LABEL})+")
_PATH = re.compile(r"(?i)[a-z0-9/._~-]*")
_API_PATH = re.compile(r"/(campaigns|canvas|segments|events|users|kpi|sends)/")


class Address:
    """An endpoint as it was given: what it means, or why it means nothing.

    It shows the text nowhere, for that may be the key: people swap the two.

    Attributes
    ----------
    url : str
        Where to ask; ``""`` where it is no endpoint.

    Notes
    -----
    Hosts: Braze docs, data_centers.md @7e6952e.

    Examples
    --------
    >>> Address("US-05").url
    'https://rest.iad-05.braze.com'
    """

    __slots__ = ("_problem", "_text", "url")

    def __init__(self, text: object) -> None:
        self._text = str(text)
        self.url = self._problem = ""
        try:
            self.url = _url_of(text)
        except ConfigError as error:
            self._problem = str(error)

    def check(self, key: ApiKey) -> None:
        """Refuse what is no endpoint, or holds the key.

        Apart from the constructor, so that no frame of the traceback holds the text.

        Raises
        ------
        ConfigError
            Says what is wrong, and the REST host that may be meant.
        """
        if key.is_in(self._text):
            raise ConfigError(
                "the endpoint holds the API key; pass only the host, and the key as "
                "api_key="
            )
        if self._problem:
            raise ConfigError(self._problem)

    def __repr__(self) -> str:
        return f"Address({self.url!r})"


def _url_of(text: object) -> str:
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(f"no endpoint is set; {_how_to_set()}")
    text = text.strip()
    instance = _INSTANCE.fullmatch(text)
    if instance:
        return f"https://{_rest_host(instance[1], instance[2])}"
    near = _NEAR.fullmatch(text)
    if near:
        _refuse("what is given is no instance", _rest_host(near[1] or "us", near[2]))
    parts = _parts_of(text)
    _refuse_more_than_a_host(parts)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _how_to_set(instance: str = "US-05") -> str:
    return _HOW_TO_SET.format(instance)


def _refuse(what: str, rest_host: str) -> NoReturn:
    """Name the REST host that is meant, and its instance."""
    word, number = rest_host.split(".")[1].split("-")
    instance = f"{_region_of(word).code}-{number}"
    raise ConfigError(
        f"{what}; {instance} is meant, whose REST host is {rest_host}: "
        f"{_how_to_set(instance)}"
    )


def _region_of(word: str) -> _Region:
    names = word.upper(), word.lower()
    return next(region for region in _REGIONS if {region.code, region.host} & {*names})


def _rest_host(word: str, number: str) -> str:
    code, host, domain = _region_of(word)
    instance = f"{code}-{int(number):02}"
    plain = f"rest.{host}-{int(number):02}.braze.{domain}"
    return _EXCEPTIONS.get(instance, plain)


def _parts_of(text: str) -> SplitResult:
    """Return the parts of a host or URL; refuse what is neither, without showing it."""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    named = host in LOOPBACK or _HOST.fullmatch(host)
    if not named or port == 0 or not text.isprintable() or "\\" in text:
        raise ConfigError(
            f"the endpoint, a text of {len(text)} characters, is no instance and no "
            f"host (the key is the second argument); {_how_to_set()}"
        )
    return parts


def _refuse_more_than_a_host(parts: SplitResult) -> None:
    host = str(parts.hostname)
    braze = _BRAZE_HOST.fullmatch(host)
    if braze and braze[1] != "rest":
        meant = _rest_host(braze[2] or _WORD_OF_DOMAIN[braze[4]], braze[3])
        _refuse(f"{host} is not the REST host", meant)
    if parts.scheme != "https" and (parts.scheme != "http" or host not in LOOPBACK):
        raise ConfigError(
            f"that address would send the key in the open; use https://{host}"
        )
    # Behind other hosts a gateway may stand, which has paths of its own.
    path = parts.path.strip("/") if braze else _API_PATH.search(f"{parts.path}/")
    more = path or not _PATH.fullmatch(parts.path) or parts.query or parts.fragment
    if more or "@" in parts.netloc:
        raise ConfigError(
            f"the endpoint holds more than a host; pass only {host!r}, and the key as "
            "api_key="
        )


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
