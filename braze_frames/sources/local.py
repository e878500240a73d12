"""Campaigns from files, responses and rows."""

from braze_frames.errors import BrazeError
from braze_frames.loaders.answers import Answer
from braze_frames.payload.batch import Batch, Span, select_days
from braze_frames.payload.series import parse_answer
from braze_frames.sources.plan import (
    Found,
    Item,
    Pulled,
    ReadPlan,
    Request,
    collect,
    newest_days,
    only_ours,
    put_together,
    span_of,
)
from braze_frames.sources.resolve import open_items


def read_local(request: Request, plan: ReadPlan) -> Pulled:
    """Read campaigns whose answers lie here; one that fails leaves the others.

    Raises
    ------
    ValueError
        Details are asked, and nobody is known who could be asked.
    """
    if plan.details:
        raise ValueError("details=True asks the API by id; the source holds no ids")
    found: dict[str, Found] = {}
    failed: dict[str, BrazeError] = {}
    items: list[Item] = []
    assumed = ""
    for item, error in open_items(request.items, plan.zone):
        items.append(item._replace(answers=tuple))
        if error:
            failed[item.label] = error
            continue
        try:
            with only_ours(f"campaign {item.label}" if item.label else "the source"):
                found[item.label], doubt = _read(item, plan)
        except BrazeError as reason:
            failed[item.label] = reason
        else:
            assumed = assumed or doubt
    # Only now: the last day is that of all campaigns together.
    if plan.days.length is not None:
        found = newest_days(found, plan.days)
    pulled = collect(request._replace(items=items), found, failed, {})
    return pulled._replace(assumed=assumed)


def _read(item: Item, plan: ReadPlan) -> tuple[Found, str]:
    """Return what came of a campaign, and a time of it whose day is a guess."""
    first = None if plan.days.length else plan.days.first
    span = span_of(first, plan.days.last)
    batches: list[Batch] = []
    assumed = ""
    for one in item.answers():
        batches.append(_typed(one, span))
        assumed = assumed or one.assumed
        del one  # before the next is decoded: a tree is larger than its numbers
    return put_together(batches, restated=False), assumed


def _typed(answer: Answer, span: Span) -> Batch:
    """Return the days that are asked for."""
    batch, check = answer.tree, answer.check_each_value
    if not isinstance(batch, Batch):
        return parse_answer(batch, answer.origin, span, check_each_value=check)
    inside = (batch.days >= span.first) & (batch.days <= span.last)
    return batch if inside.all() else select_days(batch, inside)
