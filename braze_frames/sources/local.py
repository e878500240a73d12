"""Campaigns from files, responses and rows."""

from braze_frames.payload.series import parse_answer
from braze_frames.sources.plan import (
    Found,
    Item,
    Pulled,
    ReadPlan,
    Request,
    collect,
    each,
    newest_days,
    put_together,
    span_of,
)
from braze_frames.sources.recognise import answers_of


def read_local(request: Request, plan: ReadPlan) -> Pulled:
    """Read campaigns whose answers lie here; one that fails leaves the others.

    Raises
    ------
    ValueError
        Details are asked, and nobody is known who could be asked.
    """
    if plan.details:
        raise ValueError("details=True asks the API by id; the source holds no ids")
    items = {item.label: item for item in request.items}
    found, failed = each(lambda label: _read(items[label], plan), items)
    if plan.days.length is not None:
        found = newest_days(found, plan.days)
    return collect(request, found, failed, {})


def _read(item: Item, plan: ReadPlan) -> Found:
    first = None if plan.days.length else plan.days.first
    span = span_of(first, plan.days.last)
    batches = [
        parse_answer(answer.tree, answer.origin, span, careful=answer.careful)
        for answer in answers_of(item)
    ]
    return put_together(batches, restated=False)
