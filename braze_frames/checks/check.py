"""Can these numbers be trusted? Findings, and the days that are settled."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.checks.findings import (
    ARM_RULES,
    DAY_RULES,
    REPEATED,
    Finding,
    Looked,
    Severity,
)
from braze_frames.core.parts import Elsewhere, answered
from braze_frames.errors import FrameError, listed
from braze_frames.experiment.caveats import (
    NOBODY,
    PeopleSeen,
    merge_people,
    people_seen,
)
from braze_frames.experiment.design import Experiments
from braze_frames.experiment.gather import TEXT, column, of_like_length
from braze_frames.frame.levels import Level, grain_of, levels_of
from braze_frames.frame.provenance import provenance_of, settled_until_each

_DTYPES: dict[str, Any] = {
    **dict.fromkeys(("code", "severity"), TEXT),
    "campaigns": "Int64",
    **dict.fromkeys(("campaign", "channel", "variation"), TEXT),
    **dict.fromkeys(("first", "last"), "datetime64[us]"),
    "detail": TEXT,
}
_RULES = (*DAY_RULES, *ARM_RULES)
_WORST_FIRST: tuple[Severity, ...] = ("error", "warning", "info")


def check(
    df: pd.DataFrame,
    planned: Mapping[str, float] | None = None,
    campaigns: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Look for what should not be trusted as it stands.

    Parameters
    ----------
    df : DataFrame
        The variation grain; of the campaign grain the days alone are looked at.
    planned : mapping of str to float, optional
        Variation → planned share of its test, as in ``srm``. None: the split itself is
        not tested, only whether it moved.
    campaigns : DataFrame, optional
        The day totals of the same campaigns (``grain="campaign"``), to compare with.

    Returns
    -------
    DataFrame
        One finding a row, worst first; empty when all is well. What several campaigns
        have is one row. Columns: ``code`` str; ``severity`` str, "error", "warning" or
        "info"; ``campaigns`` Int64, how many have it; ``campaign`` str, their names, up
        to five; ``channel``, ``variation`` str, missing where it concerns several;
        ``first``, ``last`` datetime64[us], the days concerned; ``detail`` str, a
        sentence with the numbers and what to do. Codes:

        - ``missing_days``: days without rows between others.
        - ``unsettled_days``, ``partial_today``: days that still grow, and a day that
          was not over, as far as the frame's ``attrs`` know.
        - ``totals_disagree``: variations do not add up to the day totals, neither with
          nor without the control.
        - ``sample_ratio_mismatch``: people were not split as planned.
        - ``allocation_change``: the split moved by more than 5 percentage points.
        - ``control_was_sent``, ``zero_control``: a control with messages, or nobody.
        - ``small_counts``: fewer than 5 conversions are expected in the control.
        - ``overdispersion``: days differ more than counts alone would (1 %, adjusted
          within a campaign).
        - ``repeated_users``: the split varies less from day to day than new people
          would make it (1 %; 0.1 % in frames of more than 20 tests).
        - ``successes_exceed_units``: a share above 100 % over all days.
        - ``clicks_exceed_opens``: more people clicked than opened.
        - ``machine_opens``: machines made more than half of the opens.

    Raises
    ------
    FrameError
        The frame is not ours or has no rows; ``campaigns`` are no day totals.
    ValueError
        ``planned`` does not name the variations of each test.

    Notes
    -----
    It cannot know of people who are in the test on many days in changing numbers, of
    windows longer than 30 days, nor why a split is uneven. Thresholds: ``srm`` for
    splits; Cochran 1954 for small counts; the dispersion test of ``lift`` for days.

    Examples
    --------
    >>> import braze_frames as bf
    >>> entries = [{"variation_name": "A", "sent": 40, "opens": 9, "machine_open": 8}]
    >>> day = {"time": "2026-03-01", "messages": {"email": entries}}
    >>> df = bf.read_braze_series({"data": [day]})
    >>> df.braze.check()[["code", "severity"]]
                code severity
    0  machine_opens     info
    """
    return answered(df, CheckSteps(planned, campaigns))


class CheckedPart(NamedTuple):
    """What is wrong with some parts: the findings of each rule."""

    rows: int
    findings: Sequence[Sequence[Finding]]
    people: PeopleSeen


class CheckSteps(NamedTuple):
    """The steps of ``check``."""

    planned: Mapping[str, float] | None
    campaigns: pd.DataFrame | None

    @property
    def needs_whole_campaigns(self) -> bool:
        """Days and people are those of a campaign."""
        return True

    def partial(self, df: pd.DataFrame, _: Elsewhere | None = None) -> CheckedPart:
        """Look at a part."""
        return self.merge([self._checked(part) for part in of_like_length(df)])

    def _checked(self, df: pd.DataFrame) -> CheckedPart:
        if not len(df):
            return CheckedPart(0, [[] for _ in _RULES], NOBODY)
        totals = None if self.campaigns is None else _day_totals(df, self.campaigns)
        days = _days(df)
        settled = dict(zip(days, settled_until_each(df, list(days)), strict=True))
        arms = Experiments(df) if grain_of(df) == "variation" else None
        people = NOBODY if arms is None else people_seen(arms)
        known = provenance_of(df)
        looked = Looked(days, known, settled, self.planned, totals, people)
        found = [[*rule(looked)] for _, _, rule in DAY_RULES]
        found += [
            [] if arms is None else [*rule(looked, arms)] for _, _, rule in ARM_RULES
        ]
        return CheckedPart(len(df), found, people)

    def merge(self, parts: Sequence[CheckedPart]) -> CheckedPart:
        """Put the findings of parts together."""
        rules = zip(*(part.findings for part in parts), strict=True)
        return CheckedPart(
            sum(part.rows for part in parts),
            [[*chain(*found)] for found in rules],
            merge_people([part.people for part in parts]),
        )

    def finish(self, part: CheckedPart) -> pd.DataFrame:
        """Return the findings of the whole, those of a rule by campaign."""
        if not part.rows:
            raise FrameError("the frame has no rows: read more days, or filter less")
        same = part.people.returning()
        found = [
            (code, how, one)
            for (code, how, _), findings in zip(_RULES, part.findings, strict=True)
            for one in sorted(findings, key=lambda one: one.campaign or "")
            if code != REPEATED or (one.campaign, one.channel) in same
        ]
        return _table(found)


def _days(df: pd.DataFrame) -> dict[str | None, Any]:
    """Return campaign → its days, sorted."""
    levels = levels_of(df)
    date = _level(levels, "date")
    days = date.labels.to_numpy().astype("datetime64[D]")[date.codes]
    if "campaign" not in {level.name for level in levels}:
        return {None: np.unique(days)}
    campaign = _level(levels, "campaign").used()
    names = campaign.names()
    numbers = days.astype(np.int64)
    first, span = numbers.min(), np.ptp(numbers) + 1
    keys = campaign.codes.astype(np.int64) * span + (numbers - first)
    keys = np.sort(pd.unique(keys))
    ends = np.searchsorted(keys // span, range(1, len(names)))
    each = np.split((keys % span + first).astype("datetime64[D]"), ends)
    return dict(zip(names, each, strict=True))


def _level(levels: list[Level], name: str) -> Level:
    return next(level for level in levels if level.name == name)


def _day_totals(df: pd.DataFrame, campaigns: pd.DataFrame) -> pd.DataFrame:
    """Return the day totals under the levels of the contract."""
    if grain_of(campaigns) != "campaign":
        raise FrameError(
            'campaigns= are no day totals: read them with grain="campaign"'
        )
    names = [level.name for level in levels_of(campaigns)]
    several = "campaign" in {level.name for level in levels_of(df)}
    if ("campaign" in names) != several:
        raise FrameError(
            "campaigns= has the level campaign and the frame has not, or the other way "
            "round: read both from the same source"
        )
    flat = campaigns.reset_index() if any(campaigns.index.names) else campaigns
    return flat.set_index(names)


def _table(found: list[tuple[str, Severity, Finding]]) -> pd.DataFrame:
    of_code: dict[tuple[str, Severity], list[Finding]] = {}
    for code, severity, one in found:
        of_code.setdefault((code, severity), []).append(one)
    worst_first = sorted(of_code, key=lambda pair: _WORST_FIRST.index(pair[1]))
    rows = [
        {"code": code, "severity": severity, **row}
        for code, severity in worst_first
        for row in _rows(of_code[code, severity])
    ]
    return pd.DataFrame(
        {
            name: column([row[name] for row in rows], dtype)
            for name, dtype in _DTYPES.items()
        }
    )


def _rows(findings: list[Finding]) -> list[dict[str, Any]]:
    """Return a row for each finding of one campaign, and one row for many campaigns."""
    first, names = findings[0], list(dict.fromkeys(one.campaign for one in findings))
    if len(names) == 1:
        return [{"campaigns": 1, **one._asdict()} for one in findings]
    joined = first._replace(
        detail=f"in {len(names)} campaigns; {first.campaign}: {first.detail}",
        first=min(one.first for one in findings),
        last=max(one.last for one in findings),
        campaign=listed(filter(None, names)),
        channel=_common(one.channel for one in findings),
        variation=_common(one.variation for one in findings),
    )
    return [{"campaigns": len(names), **joined._asdict()}]


def _common(labels: Iterable[str | None]) -> str | None:
    found = {*labels}
    return found.pop() if len(found) == 1 else None
