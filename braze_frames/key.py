"""The API key: held by one object that shows it nowhere."""

from typing import NoReturn

from .errors import ConfigError


class Key:
    """An API key that shows itself nowhere."""

    __slots__ = ("_text",)

    def __init__(self, text: object) -> None:
        self._text = _checked_key(text)

    def reveal(self) -> str:
        """Return the key, for the header."""
        return self._text

    def __repr__(self) -> str:
        return "Key(***)"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an API key is not pickled; connect again where it is needed")


def _checked_key(text: object) -> str:
    if not isinstance(text, str) or not text:
        raise ConfigError(
            "there is no API key; set BRAZE_API_KEY, or pass api_key= to connect"
        )
    if text[0] in "'\"" or text[-1] in "'\"":
        raise ConfigError("the API key stands in quotes; take the quotes away")
    if text != text.strip():
        raise ConfigError(
            "the API key has a blank or a line break around it; pass key.strip()"
        )
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigError(
            "the API key holds a blank, a line break or a character that no key has; "
            "copy it again from the dashboard"
        )
    return text
