"""The API key: held by one object that shows it nowhere."""

from typing import NoReturn

from braze_frames.errors import ConfigError


class ApiKey:
    """An API key that shows itself nowhere."""

    __slots__ = ("_problem", "_text")

    def __init__(self, text: object) -> None:
        self._problem = _problem(text)
        self._text = "" if self._problem else str(text)

    def check(self) -> None:
        """Refuse what cannot be a key.

        Apart from the constructor, so that no frame of the traceback holds the text.

        Raises
        ------
        ConfigError
            The key is missing, in quotes, or holds a blank or a line break.
        """
        if self._problem:
            raise ConfigError(self._problem)

    def reveal(self) -> str:
        """Return the key, for the header."""
        return self._text

    def __repr__(self) -> str:
        return "Key(***)"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an API key is not pickled; connect again where it is needed")


def _problem(text: object) -> str:
    if not isinstance(text, str) or not text:
        return "there is no API key; set BRAZE_API_KEY, or pass api_key= to connect"
    if text[0] in "'\"" or text[-1] in "'\"":
        return "the API key stands in quotes; take the quotes away"
    if text != text.strip():
        return "the API key has a blank or a line break around it; pass key.strip()"
    if not text.isascii() or not text.isprintable() or " " in text:
        return (
            "the API key holds a blank, a line break or a character that no key has; "
            "copy it again from the dashboard"
        )
    return ""
