"""Braze campaign analytics as pandas frames.

>>> import pandas as pd, braze_frames as bf
>>> client = bf.connect("sandbox")
>>> ids = client.campaigns()
>>> df = pd.read_braze_series(ids["id"].iloc[0], length=30, client=client)
>>> df.index.names
FrozenList(['date', 'channel', 'variation'])

The way of the data: ``sources`` → ``windows`` → ``payload`` → ``frame`` → ``cache`` →
``accessor`` → ``rates``, ``lift`` (``arms`` → ``comparisons`` → ``contrasts`` →
``answers``), ``checks`` (``findings``) → ``plots`` (``timelines``, ``funnels``,
``forests``, ``courses``), ``styled``.
"""

from typing import TYPE_CHECKING, Any

from .accessor import BrazeAccessor
from .core.lazy import Later
from .errors import (
    AuthError,
    BrazeError,
    BrazeWarning,
    CacheError,
    CacheWarning,
    ConfigError,
    FrameError,
    NonAdditiveWarning,
    PayloadError,
    PayloadWarning,
    PullError,
    RateLimitError,
    RequestError,
    SourceError,
    StatisticsWarning,
    WindowWarning,
)
from .reader import read_braze_series
from .registration import register as _register

if TYPE_CHECKING:
    from .account import connect
    from .api.client import BrazeClient
    from .cache.cache import Cache
    from .sandbox.sandbox import Sandbox
    from .schema.rates import glossary
    from .stats.power import mde, sample_size
    from .tables.style import style

__version__ = "0.1.0"
__all__ = [
    "AuthError",
    "BrazeAccessor",
    "BrazeClient",
    "BrazeError",
    "BrazeWarning",
    "Cache",
    "CacheError",
    "CacheWarning",
    "ConfigError",
    "FrameError",
    "NonAdditiveWarning",
    "PayloadError",
    "PayloadWarning",
    "PullError",
    "RateLimitError",
    "RequestError",
    "Sandbox",
    "SourceError",
    "StatisticsWarning",
    "WindowWarning",
    "__version__",
    "connect",
    "glossary",
    "mde",
    "read_braze_series",
    "sample_size",
    "style",
]

_register()


_LAZY = {
    "BrazeClient": "api.client",
    "Cache": "cache.cache",
    "Sandbox": "sandbox.sandbox",
    "connect": "account",
    "glossary": "schema.rates",
    "mde": "stats.power",
    "sample_size": "stats.power",
    "style": "tables.style",
}


def __getattr__(name: str) -> Any:
    """Import what not every session needs when it is first used."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = Later(f"{_LAZY[name]}:{name}").load()
    return found


def __dir__() -> list[str]:
    return __all__
