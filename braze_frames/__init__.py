"""Braze campaign analytics as pandas frames.

>>> import pandas as pd, braze_frames as bf
>>> client = bf.connect("sandbox")
>>> ids = client.campaigns()
>>> df = pd.read_braze_series(ids["id"].iloc[0], length=30, client=client)
>>> df.index.names
FrozenList(['date', 'channel', 'variation'])

Two wings meet in one contract, the frame. *Reading* turns a source into a frame,
*answering* turns a frame into a table or a picture; answering knows nothing of reading.

The way of the data through the folders::

    what the user names          sources     files, ids, rows, a cache: which campaigns
    an account's answers         account     environment or sandbox → a client
                                 api         where and what to ask, what answers say
    tables, envelopes, rows      loaders     → answers
    what is kept                 cache       what is stored, missing, changed
                                 storage     files on a disk, objects in a store
    answers                      payload     → days, each once → the frame
    the frame                    frame       levels, provenance, groups, totals, rates
    variations of a test         experiment  design, pairs, lift, winner
    many tests, periods, plans   portfolio   tests, change, sample_size and mde
    can it be trusted            checks      check, sample ratio
    what is shown                plots       one picture a module, made of ``drawing``
                                 tables      styled tables, Excel
                                 card        the help card; ``wording`` words all three
    a frame in parts             scan        the verbs by whole campaigns, on dask

Under all lie ``core`` (array types, days, arguments, names, numbers; nothing of
Braze), ``schema`` (what Braze documents, as rows with sources), ``stats`` and
``scores`` (statistics on arrays; no pandas) and ``transport`` (one authenticated,
limited, retried GET that always ends, many side by side). ``sandbox`` is a made-up
account behind a real server. Above stand ``reader`` (``read_braze_series``),
``accessor`` (``df.braze``) and ``registration``, which puts both on pandas. Imports
point down only; each folder's docstring says what it may import, and a test holds it.

Where does something go? A rate, a channel, a stat, a name: a row in ``schema``. A new
kind of file or table: ``loaders``. What files of the cache hold: ``storage``. A formula
of statistics: ``stats``; which one is used for which test: ``experiment``. A doubt that
users should hear of: ``checks``. How a result looks: ``plots`` and ``tables``.
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
    from .scan.scan import scan_braze_series
    from .schema.rates import glossary
    from .stats.power import mde, sample_size
    from .tables.excel import to_excel
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
    "scan_braze_series",
    "style",
    "to_excel",
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
    "scan_braze_series": "scan.scan",
    "style": "tables.style",
    "to_excel": "tables.excel",
}


def __getattr__(name: str) -> Any:
    """Import what not every session needs when it is first used."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = Later(f"{_LAZY[name]}:{name}").load()
    return found


def __dir__() -> list[str]:
    return __all__
