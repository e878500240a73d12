"""All comparisons of one metric, and the table that answers them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Flags, Floats, Ints
from braze_frames.experiment.caveats import CaveatCounts, numbers_of
from braze_frames.experiment.design import Experiments
from braze_frames.experiment.pairs import LiftRequest, Pair, plan_pairs, repeat_pairs
from braze_frames.experiment.results import Columns, Comparison, answer
from braze_frames.schema.formulas import Definition, definitions_in
from braze_frames.scores.tables import Looks
from braze_frames.stats.bayes import Beliefs
from braze_frames.stats.contrasts import DailyCounts, Options
from braze_frames.stats.multiplicity import Adjustment, adjust_families

# Comparisons by days at once: more than a processor cache holds is slower.
_CELLS = 50_000
# Numbers that a look at growing days holds for each of its days.
_NUMBERS = 12
_TEXT = pd.Index(["text"]).dtype
_PLACES = ("campaign", "date", "channel", "variation")
_DTYPES: dict[str, Any] = {
    **dict.fromkeys(("campaign", "channel", "variation"), _TEXT),
    **dict.fromkeys(("metric", "control"), _TEXT),
    **dict.fromkeys(("numerator", "denominator"), "Float64"),
    "rate": "float64",
    **dict.fromkeys(("control_numerator", "control_denominator"), "Float64"),
    "control_rate": "float64",
    **dict.fromkeys(("diff", "diff_low", "diff_high"), "float64"),
    **dict.fromkeys(("lift", "lift_low", "lift_high"), "float64"),
    **dict.fromkeys(("incremental", "incremental_low", "incremental_high"), "float64"),
    **dict.fromkeys(("statistic", "p_value", "p_adjusted", "confidence"), "float64"),
    "significant": "boolean",
    **dict.fromkeys(("eff_days", "dispersion", "mde", *Beliefs._fields), "float64"),
    "p_margin": "float64",
    "non_inferior": "boolean",
    **dict.fromkeys(("method", "note"), _TEXT),
}


class Question(NamedTuple):
    """One call: how all its metrics are compared.

    ``settled_until`` holds a day for each campaign.
    """

    asked: LiftRequest
    options: Options
    adjust: Adjustment
    cumulative: bool
    settled_until: Any


class _Rows(NamedTuple):
    """The rows of a table: which pair, and the days of its campaign before ``last``."""

    pair: Ints
    last: Ints


class MetricComparisons:
    """One metric: its comparisons, and the table that answers them.

    ``like`` are the pairs of another metric, to be compared in this one.
    """

    def __init__(
        self,
        arms: Experiments,
        metric: str,
        question: Question,
        like: Sequence[Pair] | None = None,
    ) -> None:
        self._arms, self._question = arms, question
        self._asked = question.asked._replace(metric=metric)
        self._defined = definitions_in(metric, arms.channels)
        self._daily = arms.daily(self._defined)
        self.pairs = (
            plan_pairs(arms, self._daily, self._defined, self._asked)
            if like is None
            else repeat_pairs(arms, like, self._defined, self._asked)
        )
        self._arm = np.array([pair.arm for pair in self.pairs], dtype=np.int64)
        self._base = np.array(
            [pair.arm if pair.control is None else pair.control for pair in self.pairs],
            dtype=np.int64,
        )
        self.signs: list[CaveatCounts] = []

    def table(self, levels: list[str]) -> pd.DataFrame:
        """Answer all comparisons, one a row; with ``cumulative`` one a row and day."""
        rows = self._rows()
        parts = [self._answer(part) for part in self._chunks(rows)]
        columns = {
            name: np.concatenate([part[name] for part in parts]) for name in parts[0]
        }
        columns |= self._significance(columns, rows) | self._names(rows)
        if self._question.cumulative:
            campaign = self._arms.campaign_of[self._arm[rows.pair]]
            order = np.lexsort((rows.pair, rows.last, campaign))
            columns = {name: values[order] for name, values in columns.items()}
        index = pd.MultiIndex.from_arrays(
            [_array(columns[name], _DTYPES.get(name)) for name in levels], names=levels
        )
        shown = {
            name: _array(columns[name], dtype)
            for name, dtype in _DTYPES.items()
            if name in columns and name not in {*levels, *_PLACES}
        }
        return pd.DataFrame(shown, index=index)

    def doubted(self, kind: str) -> Flags:
        """Tell which rows of the table have a caveat of a kind."""
        numbers = [signs.numbers[kind] for signs in self.signs]
        return np.asarray(~np.isnan(np.concatenate(numbers)))

    def _rows(self) -> _Rows:
        """Return a row for each pair; or one for each of its days."""
        campaign = self._arms.campaign_of[self._arm]
        lengths = self._arms.days[campaign]
        pairs = np.arange(len(lengths))
        if not self._question.cumulative:
            return _Rows(pairs, lengths)
        lasts = [np.arange(1, length + 1) for length in lengths]
        return _Rows(np.repeat(pairs, lengths), np.concatenate([*lasts, pairs[:0]]))

    def _chunks(self, rows: _Rows) -> Iterator[_Rows]:
        """Cut the rows so that their days fit in a processor's cache together.

        All days of a pair stay together.
        """
        width = max(self._arms.width, 1)
        step = max(
            1, _CELLS // (width * (_NUMBERS if self._question.cumulative else 1))
        )
        pairs = np.arange(0, max(len(self.pairs), 1), step)
        starts = np.searchsorted(rows.pair, pairs)
        for start, end in zip(starts, [*starts[1:], len(rows.pair)], strict=True):
            yield _Rows(*(part[start:end] for part in rows))

    def _answer(self, rows: _Rows) -> Columns:
        pairs = np.unique(rows.pair)
        case = self._case(pairs)
        looks = Looks(np.searchsorted(pairs, rows.pair), rows.last)
        asked = case.so_far(looks) if self._question.cumulative else case
        columns = answer(asked, self._asked, self._question.options)
        whole = (
            rows.last == self._arms.days[self._arms.campaign_of[self._arm[rows.pair]]]
        )
        self._look(case, {name: one[whole] for name, one in columns.items()}, pairs)
        return columns

    def _case(self, pairs: Ints) -> Comparison:
        """Return the comparisons of some pairs over all their days."""
        daily = self._daily
        arm, base = self._arm[pairs], self._base[pairs]
        refusals = np.array([str(self.pairs[n].refusal or "") for n in pairs], object)
        width = int(self._arms.days[self._arms.campaign_of[arm]].max(initial=0))
        above, below = daily.above[:, :width], daily.below[:, :width]
        given = daily.given[:, :width]
        both = given[arm] & given[base] & (refusals == "")[:, None]
        sides = (above[arm], below[arm], above[base], below[base])
        days = DailyCounts(*(np.where(both, side, 0.0) for side in sides))
        return Comparison(
            days,
            both,
            self._kinds(lambda one: one.kind == "proportion")[pairs],
            self._kinds(lambda one: one.same_day)[pairs],
            np.any((days.n1 > 0)[:, :1] | (days.n0 > 0)[:, :1], axis=1),
            daily.enrolled[arm] | daily.enrolled[base],
            refusals,
        )

    def _kinds(self, chosen: Callable[[Definition], bool]) -> Flags:
        """Tell for each pair whether its channel's definition is chosen."""
        defined = [self._defined.get(pair.family.channel) for pair in self.pairs]
        return np.array([bool(one and chosen(one)) for one in defined], dtype=bool)

    def _look(self, case: Comparison, columns: Columns, pairs: Ints) -> None:
        """Keep the signs of doubt of whole periods."""
        arms, asked = self._arms, [self.pairs[number] for number in pairs]
        dates = arms.dates[:, : case.both.shape[1]]
        late = dates > self._question.settled_until[:, None]
        late = late[arms.campaign_of[self._arm[pairs]]]
        names = [pair.family.campaign or arms.labels[pair.arm] for pair in asked]
        found = numbers_of(case, columns, self._asked, late)
        self.signs.append(CaveatCounts(names, found))

    def _significance(self, columns: Columns, rows: _Rows) -> Columns:
        """Adjust p-values within each family, and within the day.

        A comparison without a success asks nothing, and takes no part.
        """
        p_values = columns["p_value"]
        none = (columns["numerator"] == 0) & (columns["control_numerator"] == 0)
        asking = np.where(none, np.nan, p_values)
        adjusted = adjust_families(asking, self._family(rows), self._question.adjust)
        adjusted = np.where(none, p_values, adjusted)
        alpha = 1 - self._question.options.conf_level
        found = {"p_adjusted": adjusted, "significant": _below(adjusted, alpha)}
        if self._question.options.margin is None:
            del columns["p_margin"]
            return found
        return found | {"non_inferior": _below(columns["p_margin"], alpha)}

    def _family(self, rows: _Rows) -> Ints:
        """Return a number for the family of each row, another one each day."""
        family = np.array([pair.family.number for pair in self.pairs], dtype=np.int64)
        return np.asarray(family[rows.pair] * (self._arms.width + 1) + rows.last)

    def _names(self, rows: _Rows) -> Columns:
        """Name each row: its campaign, day, channel, variation, metric and control."""
        arms, pairs = self._arms, self.pairs
        campaign = arms.campaign_of[self._arm[rows.pair]]
        controls = [
            None if pair.control is None else arms.labels[pair.control]
            for pair in pairs
        ]
        names = {
            "campaign": [pair.family.campaign for pair in pairs],
            "channel": [pair.family.channel for pair in pairs],
            "variation": [arms.labels[pair.arm] for pair in pairs],
            "metric": [self._asked.metric] * len(pairs),
            "control": controls,
        }
        named = {name: np.array(of, object)[rows.pair] for name, of in names.items()}
        return named | {"date": arms.dates[campaign, rows.last - 1]}


def _below(p_values: Floats, alpha: float) -> Any:
    return pd.arrays.BooleanArray(p_values < alpha, np.isnan(p_values))


def _array(values: Any, dtype: Any) -> Any:
    if dtype == "Float64":
        return pd.arrays.FloatingArray(np.nan_to_num(values), np.isnan(values))
    return values if dtype is None else pd.Series(values, dtype=dtype).array
