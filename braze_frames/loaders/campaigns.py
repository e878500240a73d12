"""Decoded trees of one input → its campaigns: several are never one."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from itertools import chain, islice
from typing import Any, NamedTuple

from braze_frames.core.names import short, shown
from braze_frames.errors import PayloadError
from braze_frames.loaders.answers import (
    Answer,
    check_campaign_series,
    is_bare,
    is_response,
    is_row,
    other_export,
)
from braze_frames.loaders.envelopes import is_message, unwrap
from braze_frames.loaders.files import Contents, Text, opened
from braze_frames.loaders.ids import (
    Owned,
    campaigns_of,
    check_text,
    is_id_column,
    label_of,
    owned,
    same_id,
)
from braze_frames.loaders.rows import (
    check_daily,
    each_day_once,
    is_extract,
    row_of,
    with_known_names,
)
from braze_frames.payload.batch import Batch
from braze_frames.payload.series import parse_text
from braze_frames.schema.exports import CAMPAIGN_SERIES

Trees = Mapping[str, Any]


class LoadedCampaign(NamedTuple):
    """One campaign of an input, with its id and name where they stood in it."""

    id: str | None
    name: str | None
    answers: Callable[[], Iterable[Answer]]


class Piece(NamedTuple):
    """One answer or day row, read out of its envelope.

    ``bare`` is an answer of the API and nothing beside it.
    """

    answer: Answer
    around: Trees
    stream: str
    bare: bool = False

    @property
    def is_row(self) -> bool:
        """Whether it is a day row."""
        return is_row(self.answer.tree)


class Pieces(NamedTuple):
    """What an input holds: answers and rows; names of a stream of campaigns by id."""

    origin: str
    pieces: list[Piece]
    names: dict[str, str]
    single: bool


class LoadedInput(NamedTuple):
    """The campaigns of an input; its pieces, where they do not come one by one."""

    campaigns: list[LoadedCampaign]
    found: Pieces

    @property
    def several(self) -> bool:
        """Whether they make the level ``campaign``: ids stand in more than one tree."""
        alone = self.found.single and len(self.campaigns) == 1
        return self.campaigns[0].id is not None and not alone


def load(contents: Contents, zone: tzinfo | None = None) -> LoadedInput:
    """Read an input out of its envelopes, and tell its campaigns apart.

    Bare answers are one campaign, whose ``id`` is None: they are read one by one, so
    that no more than one decoded tree stands in memory.

    Raises
    ------
    PayloadError
        It holds another endpoint's answers, or nothing at all.
    SourceError
        As ``sort_out``.
    """
    answers = iter(contents.answers)
    of_first = _pieces(islice(answers, 1), _typed)
    first = [*islice(of_first, 1)]
    if not (first and first[0] and first[0].bare):
        others = _pieces(answers, opened)
        found = _gathered(contents, [*first, *of_first, *others])
        return LoadedInput(sort_out(found, zone), found)
    # Through an iterator, which lets go of the first answer once it was handed on.
    stream = chain(iter(first), of_first, _pieces(answers, _typed))
    campaign = LoadedCampaign(None, None, lambda: _in_turn(stream, contents, zone))
    return LoadedInput([campaign], Pieces(contents.origin, [], {}, single=False))


def _pieces(
    answers: Iterable[Answer], read: Callable[[Answer], Answer]
) -> Iterator[Piece | None]:
    return map(_piece, chain.from_iterable(map(_flat, map(read, answers))))


def _typed(answer: Answer) -> Answer:
    """Return the batch of a long text that is a bare answer; else what is decoded."""
    if not isinstance(answer.tree, Text):
        return answer
    batch = parse_text(answer.tree.body, answer.origin, accept=_is_daily)
    return opened(answer) if batch is None else answer._replace(tree=batch)


def _is_daily(tree: dict[str, Any]) -> bool:
    """Whether a tree is a bare answer, and its times are days without a time."""
    return is_bare(tree) and {len(str(day.get("time"))) for day in tree["data"]} == {
        len("2026-05-01")
    }


def _in_turn(
    pieces: Iterable[Piece | None], contents: Contents, zone: tzinfo | None
) -> Iterator[Answer]:
    """Yield bare answers as they come, then what came beside them.

    An empty answer stands for those that were handed on: what carries an id is no part
    of their campaign.
    """
    others: list[Piece | None] = []
    place = ""
    for piece in pieces:
        if piece is None or not piece.bare:
            others.append(piece)
            continue
        place = place or piece.answer.origin
        if not isinstance(piece.answer.tree, Batch):
            check_daily(piece.answer.tree["data"], piece.answer.origin)
        yield piece.answer
        del piece  # before the next is decoded
    if others:
        nothing = Piece(Answer(place, {"data": []}, check_each_value=False), {}, "")
        found = _gathered(contents, [nothing, *others])
        yield from chain.from_iterable(one.answers() for one in sort_out(found, zone))


def _gathered(contents: Contents, pieces: Iterable[Piece | None]) -> Pieces:
    """Leave out what is no campaign's."""
    kept: list[Piece] = []
    names: dict[str, str] = {}
    skipped: dict[str, None] = {}
    for piece in pieces:
        if piece is None:
            skipped["messages without records"] = None
        elif not piece.stream or _is_series(piece):
            kept.append(piece)
        else:
            names |= _named(piece)
            skipped[f"the stream {shown(piece.stream, 40)}"] = None
    if not kept:
        only = f"; only {', '.join([*skipped][:5])}" if skipped else ""
        raise PayloadError(
            f"{contents.origin}: there are no days of campaigns in it{only}; nothing "
            "to read"
        )
    return Pieces(contents.origin, kept, names, _is_single(contents, kept))


def _is_single(contents: Contents, pieces: Sequence[Piece]) -> bool:
    """Whether an input is one answer: in no list, mapping or envelope, and no row."""
    first = pieces[0]
    bare = first.answer.origin == contents.origin and not (first.around or first.stream)
    return contents.single and len(pieces) == 1 and bare and not first.is_row


def _flat(answer: Answer) -> Iterator[Answer]:
    """Yield the trees of lists, and of mappings id → answers or rows."""
    tree = answer.tree
    if is_row(tree):
        yield answer
    elif isinstance(tree, list):
        if not tree:
            raise PayloadError(f"{answer.origin}: the list is empty: nothing to read")
        for number, one in enumerate(tree, 1):
            place = f", item {number}" if len(tree) > 1 else ""
            yield from _flat(answer._replace(tree=one, origin=answer.origin + place))
    elif _is_by_id(tree):
        for id_, found in tree.items():
            for one in found if isinstance(found, list) else [found]:
                place = f"{answer.origin}, {shown(id_, 40)}"
                whole = {CAMPAIGN_SERIES.id_key: id_, **one}
                yield answer._replace(tree=whole, origin=place)
    else:
        yield answer


def _is_by_id(tree: Any) -> bool:
    """Whether a tree is a mapping id → answers or rows, and no answer itself."""
    if not isinstance(tree, Mapping) or not tree or is_response(tree) or is_row(tree):
        return False
    found = [
        one
        for value in tree.values()
        for one in (value if isinstance(value, list) else [value])
    ]
    return bool(found) and all(
        isinstance(one, Mapping) and (is_response(one) or is_row(one)) for one in found
    )


def _piece(answer: Answer) -> Piece | None:
    """Read a tree out of its envelope; None is a message without a record."""
    tree = answer.tree
    if isinstance(tree, Batch) or is_bare(tree):
        return Piece(answer, {}, "", bare=True)
    if not isinstance(tree, Mapping):
        return Piece(answer, {}, "")
    if is_message(tree):
        return None
    found = unwrap(tree, answer.origin)
    if found is None:
        return Piece(_with_known_names(answer), {}, "")
    check = answer.check_each_value or found.was_text
    inner = Answer(answer.origin, found.tree, check_each_value=check)
    return Piece(_with_known_names(inner), found.around, found.stream)


def _with_known_names(answer: Answer) -> Answer:
    if not is_row(answer.tree):
        return answer
    named = with_known_names(answer.tree, answer.origin)
    return answer if named is answer.tree else answer._replace(tree=named)


def _is_series(piece: Piece) -> bool:
    tree = piece.answer.tree
    return (is_row(tree) or is_response(tree)) and other_export(tree) is None


def _named(piece: Piece) -> dict[str, str]:
    """Return the campaign that a record of a stream of campaigns names, by its id."""
    tree, campaigns = piece.answer.tree, "campaign" in piece.stream.lower()
    id_, name = tree.get("id"), tree.get("name")
    known = campaigns and isinstance(id_, str) and isinstance(name, str)
    return {same_id(id_): name} if known else {}


def sort_out(found: Pieces, zone: tzinfo | None = None) -> list[LoadedCampaign]:
    """Group an input's answers and rows by campaign.

    Without any id they are one campaign, whose ``id`` is None.

    Raises
    ------
    SourceError
        Two columns could be the id, some have none, or text that differs would be
        left out.
    PayloadError
        It is no campaign's series.
    """
    parts = [one for part in found.pieces for one in _rows_with_ids(part)]
    rows = [part.answer.tree for part in parts if part.is_row]
    check_campaign_series({"data": rows}, found.origin)
    whose = [_owned(part) for part in parts]
    ids = campaigns_of(whose, [part.answer.origin for part in parts])
    groups: dict[str | None, list[int]] = {}
    for place, id_ in enumerate(ids):
        groups.setdefault(id_ if id_ is None else same_id(id_), []).append(place)
    return [
        _loaded(
            [parts[place] for place in places],
            [whose[place] for place in places],
            ids[places[0]],
            found,
            zone,
        )
        for places in groups.values()
    ]


def _owned(part: Piece) -> Owned:
    tree = part.answer.tree
    return owned(tree, part.around) if isinstance(tree, Mapping) else Owned({}, {}, {})


def _rows_with_ids(part: Piece) -> Iterator[Piece]:
    """Yield the days of an answer as rows where they carry ids, or it is an extract."""
    tree = part.answer.tree
    days = tree.get("data") if isinstance(tree, Mapping) else None
    if not isinstance(days, list) or not all(isinstance(day, Mapping) for day in days):
        yield part
        return
    keys = {key for key in {*chain.from_iterable(days)} if isinstance(key, str)}
    upper = "time" not in keys and any(key.lower() == "time" for key in keys)
    extract = bool(days) and is_extract(tree, part.around)
    if not (extract or upper or any(map(is_id_column, keys))):
        yield part
        return
    around = {**part.around, **{k: v for k, v in tree.items() if k != "data"}}
    for number, day in enumerate(days, 1):
        place = f"{part.answer.origin}, day {number}"
        one = part.answer._replace(tree=with_known_names(day, place), origin=place)
        yield Piece(one, around, part.stream)


def _loaded(
    parts: Sequence[Piece],
    whose: Sequence[Owned],
    id_: str | None,
    found: Pieces,
    zone: tzinfo | None,
) -> LoadedCampaign:
    origin = found.origin if id_ is None else f"campaign {short(id_)}"
    trees = [tree for part in parts if isinstance(tree := part.answer.tree, Mapping)]
    check_text(trees, origin, known=id_ is not None)
    name = label_of(whose) or (found.names.get(same_id(id_)) if id_ else None)
    return LoadedCampaign(id_, name, lambda: _answers(parts, origin, zone))


def _answers(
    parts: Sequence[Piece], origin: str, zone: tzinfo | None
) -> Iterator[Answer]:
    rows = [row_of(part.answer, part.around) for part in parts if part.is_row]
    if rows:
        days = each_day_once(rows, zone, origin)
        check = not all(row.is_checked for row in rows)
        yield Answer(origin, {"data": days.days}, check, days.assumed)
    for part in parts:
        if not part.is_row:
            yield _checked(part.answer)


def _checked(answer: Answer) -> Answer:
    """Return an answer that is a campaign's series of days, as the API gave it."""
    check_campaign_series(answer.tree, answer.origin)
    days = answer.tree.get("data") if isinstance(answer.tree, Mapping) else None
    if isinstance(days, list):
        check_daily(days, answer.origin)
    return answer
