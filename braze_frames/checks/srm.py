"""Sample-ratio mismatch: whether people were split as planned."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from braze_frames.core.arguments import check_choice
from braze_frames.core.arrays import Floats
from braze_frames.core.parts import Elsewhere, answered
from braze_frames.errors import FrameError
from braze_frames.experiment.caveats import (
    NOBODY,
    PeopleSeen,
    Returning,
    merge_people,
    people_seen,
)
from braze_frames.experiment.design import Experiment, Experiments
from braze_frames.experiment.gather import (
    TEXT,
    TestedPart,
    arms_of,
    merge_tested,
    of_like_length,
    scope_of,
    tabulate,
)
from braze_frames.schema.channels import RECIPIENTS
from braze_frames.stats.chi_squared import goodness_of_fit

_COLUMNS: dict[str, Any] = {
    "date": "datetime64[us]",
    "total": "Int64",
    "chi2": "float64",
    "df": "Int64",
    "p_value": "float64",
    "mismatch": "boolean",
    "note": TEXT,
}
MISMATCH = 0.001
"""p-value below which a split is no chance: Kohavi, Tang & Xu 2020, ch. 21."""

People = Literal["busiest", "new"]
# z at p = 0.001, two-sided, and z at a power of 0.8.
_CRITICAL = 3.29 + 0.84
_DOUBT = (
    "do not trust the lift before you know why: a filter or a Liquid abort in one "
    "variation, a send-rate limit (it thins variations only), or a control with people "
    "who cannot be reached"
)


def srm(
    df: pd.DataFrame,
    planned: Mapping[str, float] | None = None,
    counts: Mapping[str, float] | None = None,
    people: People = "busiest",
) -> pd.DataFrame:
    """Test whether people were split between the variations as planned.

    Parameters
    ----------
    df : DataFrame
        The variation grain.
    planned : mapping of str to float, optional
        Variation → planned share or percentage, for every variation and the control;
        only their proportions count. None: all alike.
    counts : mapping of str to float, optional
        Variation → distinct people, where you know them.
    people : {"busiest", "new"}
        Whose split is tested without ``counts``. "busiest": the people of the one day
        with the most recipients, which is right whoever they are, and costs power.
        "new": all days together, where one is in the test once (a welcome mail, say);
        refused where the days show that they are the same people.

    Returns
    -------
    DataFrame
        Index (``campaign``,) ``channel``, one row a test. Columns: ``date``
        datetime64[us], the day used, NaT with ``counts`` and of new people; ``total``
        Int64, people; ``chi2`` float64 and ``df`` Int64; ``p_value`` float64;
        ``mismatch`` boolean, p < 0.001; ``note`` str: of a mismatch what may be behind
        it, of a busiest day how large a shift it can see, else why something is NaN.

    Raises
    ------
    FrameError
        The frame has no recipients, or one variation only.
    ValueError
        ``planned`` or ``counts`` misses a variation, names an unknown one, holds
        negative numbers or adds up to 0; ``counts`` for several tests; ``people`` is
        none of its choices.

    Notes
    -----
    Chi-squared goodness of fit. One day, as recipients of many days may be the same
    people again, which the test would take for new ones: with 20,000 people split
    evenly and sent to on 28 days 54 % of all tests are false alarms (simulated), on one
    day 0.1 %. One day costs power: of 120,000 new people in 60 days, split 52 to 48,
    the busiest day finds the mismatch in 49 %, all days in 100 %. A split that is off
    by (3.29 + 0.84) √(q (1 - q) / n), q the planned share, is found in 80 %. The
    control's people are its enrolled. A mismatch may be by design: send-rate limits and
    aborts thin the variations only, and the control may hold people who cannot be
    reached.

    Examples
    --------
    >>> import braze_frames as bf
    >>> entries = [
    ...     {"variation_name": "A", "unique_recipients": 5000},
    ...     {"variation_name": "B", "unique_recipients": 5123},
    ... ]
    >>> day = {"time": "2026-03-01", "messages": {"email": entries}}
    >>> df = bf.read_braze_series({"data": [day]})
    >>> df.braze.srm()[["total", "chi2", "p_value", "mismatch"]].round(4)
             total    chi2  p_value  mismatch
    channel
    email    10123  1.4945   0.2215     False
    """
    check_choice("people", people, get_args(People))
    return answered(df, SrmSteps(planned, counts, people))


class SrmPart(NamedTuple):
    """The splits of some parts, and whether their people are the same."""

    tested: TestedPart
    people: PeopleSeen


class SrmSteps(NamedTuple):
    """The steps of ``srm``."""

    planned: Mapping[str, float] | None
    counts: Mapping[str, float] | None
    people: People

    @property
    def needs_whole_campaigns(self) -> bool:
        """Variations share the people of their campaign."""
        return True

    @property
    def _of_new_people(self) -> bool:
        return self.people == "new" and self.counts is None

    def partial(self, df: pd.DataFrame, _: Elsewhere | None = None) -> SrmPart:
        """Test the splits of a part."""
        return self.merge([self._tested(part) for part in of_like_length(df)])

    def _tested(self, df: pd.DataFrame) -> SrmPart:
        arms = arms_of(df)
        every = arms.families if arms is not None else []
        families = [family for family in every if len(family.arms) > 1]
        rows = [self._row(arms, family) for family in families if arms is not None]
        tested = TestedPart(scope_of(df, arms), families, rows)
        asked = self._of_new_people and arms is not None
        return SrmPart(tested, people_seen(arms) if asked and arms else NOBODY)

    def _row(
        self, arms: Experiments, family: Experiment
    ) -> dict[str, Any] | ValueError:
        try:
            if not self._of_new_people:
                return planned_split(arms, family, self.planned, self.counts)
            shares = _numbers("planned", self.planned, arms, family)
            return _split(arms.people[list(family.arms)].sum(axis=1), shares)
        except ValueError as error:
            return error

    def merge(self, parts: Sequence[SrmPart]) -> SrmPart:
        """Put the splits of parts together."""
        people = merge_people([part.people for part in parts])
        return SrmPart(merge_tested([part.tested for part in parts]), people)

    def finish(self, part: SrmPart) -> pd.DataFrame:
        """Return the table of the whole; refuse what cannot be tested."""
        scope, families, rows = part.tested
        scope.check_rows()
        if not families:
            raise scope.single_variation_error()
        if self.counts is not None and len(families) > 1:
            raise ValueError(
                f"counts= belong to one test, and the frame has {len(families)}; pick "
                "one with df.xs(…, drop_level=False)"
            )
        if self.counts is None and RECIPIENTS not in scope.stats:
            raise FrameError(
                f"the frame has no {RECIPIENTS}: read it without columns=, or pass "
                "counts="
            )
        same = part.people.returning()
        found = [
            _answer(row, same.get(family.place))
            for family, row in zip(families, rows, strict=True)
        ]
        return tabulate(families, found, _COLUMNS)


def _answer(row: Any, same: Returning | None) -> dict[str, Any]:
    """Return the row of a test, or why there is none.

    Raises
    ------
    ValueError
        The numbers given are not those of its variations.
    """
    if isinstance(row, ValueError):
        raise row
    if same is None:
        return dict(row)
    why = f"these are the same people on many days ({same})"
    return {"note": f"{why}: use people='busiest'"}


def planned_split(
    arms: Experiments,
    family: Experiment,
    planned: Mapping[str, float] | None,
    counts: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Test the split of one test; return its row of the table."""
    shares = _numbers("planned", planned, arms, family)
    if counts is not None:
        return _split(_numbers("counts", counts, arms, family), shares)
    people = arms.people[list(family.arms)]
    day = int(people.sum(axis=0).argmax())
    row = _split(people[:, day], shares)
    if "p_value" not in row:
        return row
    date = arms.dates[arms.campaign_of[family.arms[0]], day]
    notes = filter(None, [row["note"], _seen(shares, row["total"])])
    return row | {"date": date, "note": "; ".join(notes)}


def _split(seen: Floats, shares: Floats) -> dict[str, Any]:
    if not seen.sum():
        return {"note": "no recipients on any day"}
    found = goodness_of_fit(seen, shares)
    mismatch = found.p_value < MISMATCH
    return {
        **found._asdict(),
        "total": int(seen.sum()),
        "mismatch": mismatch,
        "note": _DOUBT if mismatch else "",
    }


def _seen(shares: Floats, total: int) -> str:
    """Say the smallest shift that is found in 80 %, of the share hardest to judge."""
    share = shares / shares.sum()
    shift = _CRITICAL * float(np.sqrt((share * (1 - share)).max() / total))
    return (
        f"one day's people show a share that is off by {100 * shift:.1f} percentage "
        "points or more; where one enters once, people='new' shows less"
    )


def _numbers(
    argument: str,
    given: Mapping[str, float] | None,
    arms: Experiments,
    family: Experiment,
) -> Floats:
    """Return the numbers of a mapping in the order of the arms; None: all alike.

    Raises
    ------
    ValueError
        The names are not those of the variations, or the numbers no shares.
    """
    labels = [arms.labels[arm] for arm in family.arms]
    if given is None:
        return np.ones(len(labels))
    if {*given} != {*labels}:
        raise ValueError(
            f"{argument}= names {', '.join(map(repr, given))}, and {family.name} has "
            f"the variations {', '.join(map(repr, labels))}: name each of them, the "
            "control, too; pick one test of several with df.xs(…, drop_level=False)"
        )
    numbers = np.array([float(given[label]) for label in labels])
    if not (np.isfinite(numbers) & (numbers >= 0)).all() or not numbers.sum() > 0:
        raise ValueError(
            f"{argument}={dict(given)!r}: no number may be negative, and they must not "
            "add up to 0"
        )
    return numbers
