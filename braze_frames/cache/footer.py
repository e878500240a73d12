"""A Parquet file's footer on its raw bytes: sealed when written, proved before opened.

Pages of a file carry checksums, its footer carries none, and a flipped bit there can
hide columns or end the process that opens it. So the text of our metadata, which stands
in the footer, holds ``footer_crc=`` and eight hex digits: the CRC-32 of the footer with
these digits as zeros. It is found and compared before a library parses the file.
"""

import re
import zlib
from typing import BinaryIO

SEAL = "footer_crc=00000000"
"""What the metadata holds until the footer is sealed."""

_MAGIC = b"PAR1"
_TAIL = 8  # four bytes that say how long the footer is, and the magic
_MARK = re.compile(rb'"seal":"footer_crc=([0-9a-f]{8})"')
# Thrift's compact form of our pair: a text of 12 letters, then a text whose length
# follows, seven bits a byte.
_KEY = b"\x18\x0cbraze_frames\x18"


class UnreadableFile(Exception):  # noqa: N818
    """A Parquet file that is damaged, or that this package has not written."""


def read_footer(source: BinaryIO) -> bytes:
    """Return the raw footer of an open file.

    Raises
    ------
    UnreadableFile
        The file does not end as a Parquet file does.
    """
    size = source.seek(0, 2)
    source.seek(max(size - _TAIL, 0))
    tail = source.read(_TAIL)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or not 0 < length <= size - _TAIL - len(_MAGIC):
        raise UnreadableFile("it does not end as a Parquet file does")
    source.seek(size - _TAIL - length)
    return source.read(length)


def seal_footer(target: BinaryIO) -> None:
    """Write the checksum of its footer into a file that was just written."""
    footer = read_footer(target)
    mark = _mark(footer)
    if mark is None:
        raise UnreadableFile("its metadata has no place for a checksum")
    target.seek(-_TAIL - len(footer) + mark.start(1), 2)
    target.write(b"%08x" % zlib.crc32(footer))


def is_sealed(footer: bytes) -> bool:
    """Whether a footer holds a checksum, right or wrong."""
    return _mark(footer) is not None


def is_proved(footer: bytes) -> bool:
    """Whether a footer holds its own checksum."""
    mark = _mark(footer)
    if mark is None:
        return False
    first, end = mark.span(1)
    blank = footer[:first] + b"0" * (end - first) + footer[end:]
    return zlib.crc32(blank) == int(mark[1], 16)


def _mark(footer: bytes) -> "re.Match[bytes] | None":
    """Find the checksum: the last, for texts of rows stand before the metadata."""
    found = [*_MARK.finditer(footer)]
    return found[-1] if found else None


def metadata_in(footer: bytes) -> bytes:
    """Return our text in a footer.

    Raises
    ------
    UnreadableFile
        There is none.
    """
    place = footer.rfind(_KEY) + len(_KEY)
    if place < len(_KEY):
        raise UnreadableFile("it has no metadata of braze_frames")
    length, shift = 0, 0
    for byte in footer[place : place + 5]:  # a length below 2**35
        length |= (byte & 0x7F) << shift
        shift, place = shift + 7, place + 1
        if byte < 0x80:
            break
    return footer[place : place + length]
