"""Names that are imported when they are first used."""

from importlib import import_module
from typing import Any

_PACKAGE = __name__.partition(".")[0]


class Later:
    """A function of ours, known by ``module:name`` until it is first asked for.

    Examples
    --------
    >>> Later("core.names:legible").load().__name__
    'legible'
    """

    def __init__(self, target: str) -> None:
        self._target = target

    def load(self) -> Any:
        """Import the module, and return what it calls by that name."""
        module, _, name = self._target.partition(":")
        return getattr(import_module(f"{_PACKAGE}.{module}"), name)
