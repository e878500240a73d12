"""Names as a picture or a table can show them: printable, short and distinct.

Names come from whoever set up a campaign: they may hold markup, line breaks, signs that
turn the writing direction, or be four hundred characters long.
"""

import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise, takewhile

NO_NAME = "(no name)"


def legible(name: object) -> str:
    r"""Return a name in one line, without signs that nobody sees.

    Examples
    --------
    >>> legible("two\nlines\u202e and\ttabs"), legible(" \x00")
    ('two lines and tabs', '(no name)')
    """
    seen = str(name)
    if not seen.isprintable():
        seen = "".join(sign if sign.isprintable() else " " for sign in seen)
    return " ".join(seen.split()) or NO_NAME


def as_html(name: object) -> str:
    """Return a name as a text in HTML: legible, and no markup.

    Examples
    --------
    >>> as_html("<b>A</b> & B")
    '&lt;b&gt;A&lt;/b&gt; &amp; B'
    """
    return escape(legible(name))


# So many signs of a name are shown; a slide's picture holds that beside its lines.
LABEL_WIDTH = 40

# A part that tells names apart and is shorter gets a word of context on its left.
_TERSE = 12


def short_names(names: Iterable[object], width: int = LABEL_WIDTH) -> dict[str, str]:
    """Return each name → its label: without what the long ones have in common.

    No number is made up, save for names that look the same to the last sign.

    Examples
    --------
    >>> short_names([f"2026-Q2 | DE | Newsletter | Subject {n} | Summer" for n in "12"])
    ... # doctest: +NORMALIZE_WHITESPACE
    {'2026-Q2 | DE | Newsletter | Subject 1 | Summer': '… Subject 1 …',
     '2026-Q2 | DE | Newsletter | Subject 2 | Summer': '… Subject 2 …'}
    """
    given = list(dict.fromkeys(map(str, names)))
    lines = [legible(name) for name in given]
    long = list(dict.fromkeys(line for line in lines if len(line) > width))
    cut = dict(zip(long, _windows(long, width), strict=True))
    shown = tell_apart([cut.get(line, line) for line in lines], width)
    return dict(zip(given, shown, strict=True))


def natural(name: object) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts names as people do: numbers by their size.

    Examples
    --------
    >>> sorted(["Variant 10", "Variant 2"], key=natural)
    ['Variant 2', 'Variant 10']
    """
    # At most 15 digits: Python refuses to read numbers of thousands of them.
    parts = re.split(r"(\d{1,15})", str(name))
    return tuple((int(p), "") if p.isdecimal() else (-1, p) for p in parts)


def _windows(names: Sequence[str], width: int) -> list[str]:
    """Cut distinct long names to where they differ from each other."""
    if len(names) < 2:
        return [_cut_end(name, width) for name in names]
    head = _common(names)
    tail = _common([name[head:][::-1] for name in names])
    shown = [_window(name, head, len(name) - tail, width) for name in names]
    alike: dict[str, list[int]] = {}
    for place, text in enumerate(shown):
        alike.setdefault(text, []).append(place)
    for text, places in alike.items():
        if len(places) < 2:
            continue
        apart = _windows([names[n] for n in places], max(width // 2, _TERSE))
        stem = text[: width // 2 - 1].rstrip(" …")
        for place, one in zip(places, apart, strict=True):
            shown[place] = f"{stem} {one}"
    return shown


def _common(names: Sequence[str]) -> int:
    """Return how many signs all names begin with."""
    signs = zip(*names, strict=False)
    return sum(1 for _ in takewhile(lambda alike: len({*alike}) == 1, signs))


def _window(name: str, start: int, end: int, width: int) -> str:
    """Return the words around ``start … end``, with "…" for what is left out."""
    room = width - 4
    begin = _words_before(name, start, 2 if end - start < _TERSE else 1)
    begin = max(begin, start - room // 3)
    stop = name.find(" ", end)
    stop = min(len(name) if stop < 0 else stop, begin + room)
    before, after = "… " if begin else "", " …" if stop < len(name) else ""
    return f"{before}{name[begin:stop].strip()}{after}"


def _words_before(name: str, place: int, count: int) -> int:
    """Return where the word begins that ``place`` is in, or one before it."""
    for _ in range(count):
        place = name.rfind(" ", 0, place)
        if place < 0:
            return 0
    return place + 1


def shorten(names: Iterable[object], width: int) -> dict[str, str]:
    """Return each name → what is shown for it: at most ``width`` signs, none twice.

    Names that begin alike are cut in the middle, and those that still look the same are
    numbered, in their order.

    Examples
    --------
    >>> shorten(["Sale, Germany, A", "Sale, Germany, B", "Hi"], 9)
    {'Sale, Germany, A': 'Sal…ny, A', 'Sale, Germany, B': 'Sal…ny, B', 'Hi': 'Hi'}
    """
    given = list(dict.fromkeys(map(str, names)))
    return dict(zip(given, tell_apart(given, width), strict=True))


def tell_apart(names: Sequence[str], width: int) -> list[str]:
    """Return what is shown for each of the names, also where two are the same.

    Examples
    --------
    >>> tell_apart(["A", "A"], 12)
    ['A', 'A (2)']
    """
    shown = [legible(name) for name in names]
    # The end first: names are read from the front.
    for cut in (_cut_end, _cut_middle):
        found = [cut(name, width) for name in shown]
        if len({*found}) == len(found):
            return found
    return _numbered(shown, width)


def _cut_end(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 1].rstrip() + "…"


def _cut_middle(name: str, width: int) -> str:
    if len(name) <= width:
        return name
    tail = (width - 1) // 2 + 1
    return name[: width - 1 - tail] + "…" + name[-tail:]


def _numbered(names: Sequence[str], width: int) -> list[str]:
    whole = {name for name in names if len(name) <= width}
    found: dict[str, None] = {}
    taken: dict[str, int] = {}  # the last number of names that begin alike
    for name in names:
        shown, number = _cut_end(name, width), 1
        while shown in found or (number > 1 and shown in whole):
            number = max(number, taken.get(name[:width], 1)) + 1
            mark = f" ({number})"
            shown = _cut_end(name, width - len(mark)) + mark
        taken[name[:width]] = number
        found[shown] = None
    return list(found)


# As many as version control shows: an id is found again by them.
_SHORT = 8


def disambiguate(label: str, ids: Sequence[str | None]) -> list[str]:
    """Put the first 8 characters of each id behind a label that several share.

    Examples
    --------
    >>> disambiguate("Welcome", ["3bbc4555-0000", "86e1a812-0000", None])
    ['Welcome [3bbc4555]', 'Welcome [86e1a812]', 'Welcome [no id]']
    """
    starts = _starts(sorted({id_ for id_ in ids if id_}))
    return [f"{label} [{starts[id_] if id_ else 'no id'}]" for id_ in ids]


def _starts(ids: Sequence[str]) -> dict[str, str]:
    """Return the first 8 characters of sorted ids, more where another starts alike.

    What an id shares with any other, it shares with one of its neighbours.
    """
    shared = [0, *(_shared(*pair) for pair in pairwise(ids)), 0]
    sizes = [max(_SHORT, 1 + max(two)) for two in pairwise(shared)]
    return {id_: id_[:size] for id_, size in zip(ids, sizes, strict=False)}


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in alike)


# A line of a terminal: what is longer hides the sentence around it.
_QUOTED = 80
# So much of a list or mapping is looked at: the rest would be cut anyway.
_ITEMS, _LEVELS = 6, 3


def shown(value: object, most: int = _QUOTED) -> str:
    """Return what to quote of a value in a message: at most ``most`` characters.

    Examples
    --------
    >>> shown("Spring"), shown("x" * 100, 10)
    ("'Spring'", "'xxxxxx...")
    """
    if isinstance(value, str):
        text = repr(value[:most])
        whole = len(value) <= most
    elif isinstance(value, int) and not isinstance(value, bool):
        whole = value.bit_length() < 4 * most
        text = repr(value) if whole else f"a number of {value.bit_length()} bits"
    else:
        text, whole = _repr(value), True
    return text if whole and len(text) <= most else text[: most - 3] + "..."


def shown_path(path: object, most: int = 2 * _QUOTED) -> str:
    """Return what to quote of a path: of a long one the end, where the name stands.

    Examples
    --------
    >>> shown_path("exports/may.json"), shown_path("exports/2026/may.json", 16)
    ("'exports/may.json'", "'...2026/may.json'")
    """
    return repr(short_path(path, most))


def short_path(path: object, most: int = 2 * _QUOTED) -> str:
    """Return a path as it is told in a message that says more: its end, if it is long.

    Examples
    --------
    >>> short_path("exports/2026/may.json", 16)
    '...2026/may.json'
    """
    text = str(path)
    return text if len(text) <= most else "..." + text[3 - most :]


def _repr(value: object) -> str:
    import reprlib

    short = reprlib.Repr()
    short.maxlevel, short.maxdict, short.maxlist = _LEVELS, _ITEMS, _ITEMS
    short.maxstring = short.maxother = short.maxlong = _QUOTED
    return short.repr(value)


def short(name: str, most: int = _QUOTED) -> str:
    """Return a name as it is told in a message that says more.

    Examples
    --------
    >>> short("Spring"), short("x" * 100, 8)
    ('Spring', 'xxxxx...')
    """
    return name if len(name) <= most else name[: most - 3] + "..."
