"""Endpoints of the API: the campaigns' series, and others, told by their keys.

Sources are pages of Braze's public documentation (repository ``braze-inc/braze-docs``),
folder ``_docs/_api/endpoints/export``.
"""

from collections.abc import Iterable
from typing import NamedTuple

from braze_frames.schema.channels import is_day_total


class Endpoint(NamedTuple):
    """A series by day: its path, how a query says whose it is, and its most days."""

    path: str
    id_key: str
    most_days: int
    source: str


CAMPAIGN_SERIES = Endpoint(
    "/campaigns/data_series", "campaign_id", 100, "campaigns/get_campaign_analytics.md"
)


class Export(NamedTuple):
    """An endpoint: keys that its answers (or the days in them) have, and its page."""

    path: str
    keys: tuple[str, ...]
    source: str


def _exports(*rows: str) -> tuple[Export, ...]:
    """Return a row for each text ``path keys page``; keys are joined by ``+``."""
    cells = (row.split() for row in rows)
    return tuple(
        Export(path, tuple(keys.split("+")), page) for path, keys, page in cells
    )


# The first row whose keys are all there is the answer.
DAY_EXPORTS = _exports(
    "/kpi/dau/data_series dau kpi/get_kpi_dau_date.md",
    "/kpi/mau/data_series mau kpi/get_kpi_mau_30_days.md",
    "/kpi/new_users/data_series new_users kpi/get_kpi_daily_new_users_date.md",
    "/kpi/uninstalls/data_series uninstalls kpi/get_kpi_uninstalls_date.md",
    "/segments/data_series size segments/get_segment_analytics.md",
    "/events/data_series count custom_events/get_custom_events_analytics.md",
    "/sessions/data_series sessions sessions/get_sessions_analytics.md",
    "/purchases/quantity_series purchase_quantity purchases/get_number_of_purchases.md",
    "/purchases/revenue_series revenue purchases/get_revenue_series.md",
    "/feed/data_series clicks+impressions news_feed/get_news_feed_card_analytics.md",
)
"""Keys of a day."""

CANVAS_EXPORTS = _exports(
    "/canvas/data_series stats canvas/get_canvas_analytics.md",
    "/canvas/data_series canvas_id canvas/get_canvas_analytics.md",
    "/canvas/data_series variant_stats canvas/get_canvas_analytics.md",
    "/canvas/data_series step_stats canvas/get_canvas_analytics.md",
    "/canvas/data_summary total_stats canvas/get_canvas_analytics_summary.md",
)
"""Keys of a Canvas's ``data``, or of a day of it."""

ANSWER_EXPORTS = _exports(
    "/campaigns/list campaigns campaigns/get_campaigns.md",
    "/campaigns/details conversion_behaviors campaigns/get_campaign_details.md",
    "/canvas/details variants+steps canvas/get_canvas_details.md",
    "/canvas/list canvases canvas/get_canvases.md",
    "/segments/list segments segments/get_segment.md",
    "/events/list events custom_events/get_custom_events.md",
    "/purchases/product_list products purchases/get_list_product_id.md",
    "/feed/list cards news_feed/get_news_feed_cards.md",
)
"""Keys of a whole answer."""


def export_of(keys: Iterable[object], exports: Iterable[Export]) -> Export | None:
    """Return the endpoint whose keys are all there.

    Examples
    --------
    >>> export_of({"time", "dau"}, DAY_EXPORTS).path
    '/kpi/dau/data_series'
    """
    given = {*keys}
    return next((one for one in exports if given.issuperset(one.keys)), None)


def tells_of_campaign(keys: Iterable[object]) -> bool:
    """Whether a day with these keys may be a campaign's.

    The API gives ``messages`` on each of a campaign's days. A loader may drop them, and
    leave the day totals; of these, revenue alone is what ``/purchases`` gives.

    Examples
    --------
    >>> tells_of_campaign(["time", "revenue"]), tells_of_campaign(["time", "messages"])
    (False, True)
    """
    totals = [key for key in keys if isinstance(key, str) and key != "revenue"]
    return any(key == "messages" or is_day_total(key) for key in totals)
