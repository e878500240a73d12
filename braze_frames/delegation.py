"""Functions of a frame as methods of what holds one: with their signature and help."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import pandas as pd

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Holder:
    """Holds a frame, and lists its own public names only."""

    def __init__(self, df: pd.DataFrame) -> None:
        self._frame = df

    def __dir__(self) -> list[str]:
        return [name for name in vars(type(self)) if not name.startswith("_")]


def delegate(
    function: Callable[Concatenate[pd.DataFrame, _P], _R],
) -> Callable[Concatenate[Holder, _P], _R]:
    """Return a method that asks a function of a frame."""

    @wraps(function)
    def method(self: Holder, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        return function(self._frame, *args, **kwargs)

    return method
