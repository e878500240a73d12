"""The API key: held by one object that shows it nowhere, and hides it elsewhere."""

import re
from typing import NoReturn

from braze_frames.errors import ConfigError

# A shorter text stands by chance among a campaign's names; Braze's keys have 36.
_SHORTEST_MASKED = 6

_ENDPOINT = re.compile(r"(?i)sandbox|(us|eu|au|id|jp|kr)-?\d{1,2}|.*(://|\bbraze\.).*")


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
            The key is missing, in quotes, an endpoint, or holds a blank or line break.
        """
        if self._problem:
            raise ConfigError(self._problem)

    def reveal(self) -> str:
        """Return the key, for the header."""
        return self._text

    def is_in(self, text: str) -> bool:
        """Whether a text holds the key, in any case: hosts are written in small."""
        return bool(self._text) and self._text.lower() in text.lower()

    def mask(self, body: bytes) -> bytes:
        r"""Return what a server sent without the key, also where JSON escapes it.

        Done before anything is parsed, so that no later error, warning or frame can
        show it.

        Examples
        --------
        >>> ApiKey("made-up-key").mask(b'{"message": "no key made\\u002dup-key"}')
        b'{"message": "no key ***"}'
        """
        if len(self._text) < _SHORTEST_MASKED:
            return body
        if b"\\" in body or self._text.encode() in body:
            return re.sub(b"".join(map(_spellings, self._text)), b"***", body)
        return body

    def __repr__(self) -> str:
        return "Key(***)"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an API key is not pickled; connect again where it is needed")


def _spellings(sign: str) -> bytes:
    """Return a pattern for all ways in which JSON writes one sign."""
    plain = (r"\\?" if sign in '/"\\' else "") + re.escape(sign)
    return rf"(?:{plain}|\\u(?i:{ord(sign):04x}))".encode()


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
    if _ENDPOINT.fullmatch(text):
        return (
            "the API key is an endpoint; the endpoint comes first: "
            "bf.connect(endpoint, api_key)"
        )
    return ""
