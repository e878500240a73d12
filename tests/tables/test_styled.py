"""Styled tables: what a reader sees, and that nothing in them is markup."""

import json
import warnings
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import braze_frames as bf

from ..conftest import TESTED
from ..trials import CONTROL, binomial, counts, response, trial, trials

METRIC = "conversion_rate_by_send_time"
MEAN = "revenue_per_recipient"
DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
TABLE = {"style", "table", "caption", "thead", "tbody", "tr", "th", "td"}
TABLE |= {"br", "sup", "strong"}
NASTY = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</td></table><h1>",
    "$\\frac{1}{0$",
    "_hidden",
    "x" * 400,
    "🎉 你好 שלום",
    "\u202eturned",
    "two\nlines\x00and\ttabs",
    "&amp; \" ' {0} {{x}} %s",
    "",
]
names = st.sampled_from(NASTY) | st.text(max_size=80)


class Page(HTMLParser):
    """The texts of a table: heads, labels of the rows, cells, lines below it."""

    def __init__(self, styler):
        super().__init__()
        self.tags, self.classes, self.ids = set(), [], []
        self.heads, self.labels, self.cells, self.lines = {}, {}, {}, []
        self.names, self.css, self._place = [], "", None
        self.feed(styler.to_html())

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        attrs = dict(attrs)
        assert set(attrs) <= {"id", "class", "type", "rowspan", "colspan"}
        self.ids += [attrs["id"]] if "id" in attrs else []
        if tag in ("th", "td"):
            self._open(attrs["class"].split())
        elif tag in ("table", "style"):
            self._place = tag
            self.classes += attrs.get("class", "").split()
        elif tag in ("caption", "br"):
            self._place = "caption"
            self.lines.append("")

    def _open(self, classes):
        of = {
            name.rstrip("0123456789"): name.lstrip("abcdefghijklmnopqrstuvwxyz_")
            for name in classes
        }
        if "col_heading" in of:
            self._place = (self.heads, int(of["col"]))
        elif "row_heading" in of:
            self._place = (self.labels, (int(of["row"]), int(of["level"])))
        elif "data" in of:
            self._place = (self.cells, (int(of["row"]), int(of["col"])))
        else:
            self._place = "names" if "index_name" in of else None
        if isinstance(self._place, tuple):
            self._place[0][self._place[1]] = ""

    def handle_endtag(self, tag):
        if tag in ("th", "td", "caption", "style"):
            self._place = None

    def handle_data(self, data):
        if isinstance(self._place, tuple):
            self._place[0][self._place[1]] += data
        elif self._place == "caption":
            self.lines[-1] += data
        elif self._place == "names":
            self.names.append(data)
        elif self._place == "style":
            self.css += data

    def column(self, name):
        """Return the cells of a column, or None where it is not shown."""
        found = [n for n, head in self.heads.items() if head == name]
        if not found:
            return None
        return [text for (_, n), text in sorted(self.cells.items()) if n == found[0]]

    def below(self, words):
        """Return the one line below the table that holds some words."""
        found = [line for line in self.lines if words in line]
        assert len(found) == 1, self.lines
        return found[0]

    def says(self, words):
        """Tell whether a line below the table holds some words."""
        return any(words in line for line in self.lines)


def page(frame):
    """Style a frame and read its HTML."""
    return Page(bf.style(frame))


def quiet(frame, *args, **options):
    """Compare without warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.StatisticsWarning)
        return frame.braze.lift(*args, **options)


@pytest.fixture(scope="module")
def recent():
    """Read four months of a test that ran until today, of which one still grows."""
    with bf.Sandbox() as sandbox, sandbox.connect() as client:
        return bf.read_braze_series(
            sandbox.campaigns[TESTED], end="2026-06-30", length=120, client=client
        )


@pytest.fixture
def odd(rng):
    """Read a test in which one arm has nobody, and one more successes than units."""
    return trial(
        {
            "Good": binomial(rng, 0.09, 1000, 9),
            "Empty": [(0, 0)] * 9,
            "Excess": [(2000, 1000)] * 9,
            CONTROL: binomial(rng, 0.05, 1000, 9),
        }
    )


# --- numbers ---


def test_counts_have_thousands_and_missing_ones_a_dash_with_its_reason(recent):
    sums = recent.braze.totals(by="variation")
    shown = page(sums)
    wanted = [DASH if pd.isna(n) else f"{n:,}" for n in sums["sent"]]
    assert shown.column("sent") == wanted
    assert DASH in wanted
    assert "," in wanted[0]
    assert "not given by Braze" in shown.below(DASH)


def test_there_is_no_word_on_dashes_where_there_are_none(recent):
    assert not page(recent.braze.totals()[["conversions"]]).says(DASH)


def test_a_frame_shows_days_channels_and_variations_beside_its_numbers(frame):
    shown = page(frame.head(2))
    assert shown.names == ["date", "channel", "variation"]
    assert list(shown.labels.values()) == [
        *("2026-04-27", "email", "10% Off Your Basket", CONTROL),
    ]
    assert list(shown.heads.values()) == list(frame.columns)


def test_rates_and_their_limits_are_percents(recent):
    table = recent.braze.rates("unique_open_rate", by="variation", ci=0.9)
    shown = page(table)
    for name in table:
        values = table[name]
        wanted = [DASH if np.isnan(x) else f"{100 * x:.2f} %" for x in values]
        assert shown.column(name) == wanted
    assert shown.says("90 % intervals")
    assert shown.says("nothing to divide by")


def test_one_rate_is_a_column_of_its_own(recent):
    rate = recent.braze.rates("unique_open_rate", by="variation")
    assert page(rate).column("unique_open_rate")[0] == f"{100 * rate.iloc[0]:.2f} %"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.00 %"),
        (0.00001, "<0.01 %"),
        (0.99999, ">99.99 %"),
        (1.0, "100.00 %"),
        (12.5, "1,250.00 %"),
    ],
)
def test_what_is_small_never_looks_like_zero(value, shown):
    index = pd.Index(["email"], name="channel")
    table = pd.DataFrame({"delivery_rate": [value]}, index=index)
    assert page(table).column("delivery_rate") == [shown]


def test_amounts_have_cents_and_their_unit_below(recent):
    table = recent.braze.totals(by=[])
    shown = page(table)
    assert shown.column("revenue") == [f"{table['revenue'].iloc[0]:,.2f}"]
    assert shown.says("revenue in USD")
    mean = recent.braze.rates(MEAN, by=[])
    assert page(mean).column(MEAN) == [f"{mean.iloc[0]:.2f}"]
    assert page(mean).says(f"{MEAN} in USD")


def test_own_rates_are_shares_and_amounts_by_what_they_divide(recent):
    own = {"kept": ("delivered - unsubscribes", "sent"), "order": ("revenue", "sent")}
    table = recent.braze.rates(own, by=[], ci=0.95)
    shown = page(table)
    assert shown.column("kept") == [f"{100 * table['kept'].iloc[0]:.2f} %"]
    assert shown.column("order") == [f"{table['order'].iloc[0]:.2f}"]
    assert shown.column("order_high") == [f"{table['order_high'].iloc[0]:.2f}"]
    assert shown.says("order in USD")


def test_stats_that_nobody_knows_are_counts_too():
    day = {
        "time": "2026-03-01",
        "messages": {"email": [{"sent": 1, "brand_new": 4321}]},
    }
    assert page(bf.read_braze_series({"data": [day]})).column("brand_new") == ["4,321"]


# --- lift ---


def test_lifts_are_signed_percents_and_differences_percentage_points(odd):
    found = quiet(odd, METRIC)
    shown = page(found[["diff", "lift", "lift_low", "p_adjusted"]])
    good = found.loc[("email", "Good")]
    place = list(found.index).index(("email", "Good"))
    assert shown.column("diff")[place] == f"+{100 * good['diff']:.2f} pp"
    assert shown.column("lift")[place] == f"+{100 * good['lift']:.1f} % *"
    assert shown.column("lift_low")[place] == f"+{100 * good['lift_low']:.1f} %"
    assert shown.column("p_adjusted")[place] == "<0.001"


def test_a_loss_has_a_true_minus_and_nothing_is_minus_zero():
    index = pd.Index(["A", "B", "C"], name="variation")
    columns = {"lift": [-0.1234, -0.0001, 0.0], "diff": [-0.05, -0.0, -1e-9]}
    shown = page(pd.DataFrame(columns, index=index))
    assert shown.column("lift") == [f"{MINUS}12.3 %", "0.0 %", "0.0 %"]
    assert shown.column("diff") == [f"{MINUS}5.00 pp", "0.00 pp", "0.00 pp"]


def test_a_lift_without_upper_limit_is_infinite():
    frame = trial({"A": [(5, 1000)], CONTROL: [(0, 1000)]})
    shown = page(quiet(frame, METRIC, stratify=None))
    assert shown.column("lift_high") == ["∞"]
    assert shown.column("lift") == [f"{DASH}1"]
    assert shown.says("no upper limit")


def test_significant_rows_are_bold_and_have_a_star(recent):
    found = quiet(recent, METRIC, deff=1.1)
    html = bf.style(found).to_html()
    assert found["significant"].all()
    assert html.count("<strong>") == len(found)
    shown = page(found)
    assert all(text.endswith(" % *") for text in shown.column("lift"))
    line = shown.below("* significant")
    assert "below 5 %, Holm over the variations" in line
    assert "intervals are not adjusted" in line
    assert shown.says("95 % intervals, deff 1.1")


def test_rows_that_are_not_significant_have_neither(rng):
    same = [(50, 1000)] * 9
    found = quiet(trial({"A": same, CONTROL: same}), METRIC, adjust="fdr_bh")
    html = bf.style(found).to_html()
    assert "<strong>" not in html
    shown = page(found)
    assert shown.column("significant") == ["no"]
    assert "Benjamini-Hochberg" in shown.below("none significant")


def test_the_level_and_the_adjustment_are_those_of_the_call(recent):
    found = quiet(recent, METRIC, conf_level=0.99, adjust="none")
    shown = page(found[["lift", "lift_low", "p_adjusted"]])
    assert "below 1 %, not adjusted" in shown.below("* significant")
    assert shown.says("99 % intervals")
    starred = [text.endswith("*") for text in shown.column("lift")]
    assert starred == found["significant"].tolist()


def test_a_dash_leads_to_its_note_and_so_does_what_was_done_otherwise(odd):
    found = quiet(odd, METRIC)
    shown = page(found)
    numbers = {line[0]: line[2:] for line in shown.lines if line[0] in "123"}
    rows = dict(zip(found.index.get_level_values("variation"), range(3), strict=True))
    lifts, p_values = shown.column("lift"), shown.column("p_adjusted")
    empty, excess = lifts[rows["Empty"]], lifts[rows["Excess"]]
    assert numbers[empty.removeprefix(DASH)] == found["note"].iloc[rows["Empty"]]
    assert excess.startswith("+")
    assert numbers[excess[-1]] == found["note"].iloc[rows["Excess"]]
    assert p_values[rows["Excess"]] == DASH + excess[-1]
    assert lifts[rows["Good"]].endswith("%") or lifts[rows["Good"]].endswith("*")


def test_equal_notes_are_one_footnote(rng):
    arms = {"A": [(0, 0)] * 3, "B": [(0, 0)] * 3, CONTROL: [(5, 100)] * 3}
    found = quiet(trial(arms), METRIC)
    assert page(found).column("lift") == [f"{DASH}1", f"{DASH}1"]


def test_too_many_notes_stay_in_their_column(rng):
    days = [(5, 100)] * 12
    parted = [(5, 100 + n) for n in range(12)]
    arms = {f"V{n}": [(0, 0)] * n + days[n:] for n in range(1, 12)}
    found = quiet(trial({**arms, CONTROL: parted}), METRIC)
    assert found["note"].nunique() > 9
    shown = page(found)
    assert shown.column("note") == found["note"].tolist()
    assert page(found.head(3)).column("note") is None


def test_a_whole_table_hides_what_is_for_statisticians_and_says_what_all_rows_share(
    recent,
):
    found = quiet(recent, METRIC)
    shown = page(found)
    assert len(shown.heads) <= 10
    assert not {"statistic", "eff_days", "metric", "method"} & set(shown.heads.values())
    line = shown.below(f"metric: {METRIC}")
    assert f"control: {CONTROL}" in line
    assert "method: score, by day" in line


def test_columns_that_were_chosen_are_shown(recent):
    found = quiet(recent, METRIC)
    chosen = ["statistic", "eff_days", "dispersion", "confidence", "method"]
    shown = page(found[chosen])
    assert list(shown.heads.values()) == chosen
    row = found.iloc[1]
    assert shown.column("eff_days")[1] == f"{row['eff_days']:.1f}"
    assert shown.column("dispersion")[1] == f"{row['dispersion']:.2f}"
    assert shown.column("confidence")[1] == f"{100 * row['confidence']:.2f} %"


def test_metrics_of_one_table_have_units_of_their_own(recent):
    found = quiet(recent, [METRIC, MEAN])
    shown = page(found)
    ends = [text.split()[-1] for text in shown.column("diff")]
    assert ends == ["pp", "pp", "USD", "USD"]
    assert [text.split()[-1] for text in shown.column("rate")] == [*"%%", "USD", "USD"]


def test_a_mean_is_in_dollars_also_where_the_metric_was_not_chosen(recent):
    found = quiet(recent, MEAN)[["rate", "diff"]]
    assert page(found).column("rate")[0] == f"{found['rate'].iloc[0]:.2f} USD"
    bare = found.copy()
    bare.attrs.clear()
    assert page(bare).says("rate, diff: taken for shares")
    counts = quiet(recent, MEAN)[["denominator"]]
    counts.attrs.clear()
    assert not page(counts).says("taken for")


@pytest.mark.parametrize(
    "options", [{"pairs": True}, {"prior": (0.5, 0.5)}, {"cumulative": True}]
)
def test_all_kinds_of_comparisons_can_be_shown(recent, options):
    found = quiet(recent.loc["2026-05-25":"2026-06-03"], METRIC, **options)
    shown = page(found)
    assert len(shown.column("lift")) == len(found)
    assert shown.tags <= TABLE
    if "prior" in options:
        chance = found["prob_to_beat"].iloc[1]
        assert shown.column("prob_to_beat")[1] == f"{100 * chance:.2f} %"


def test_without_attrs_the_numbers_are_the_same(recent):
    for table in (
        recent.tail(9),
        recent.braze.totals(freq="MS"),
        recent.braze.rates(ci=0.95),
        quiet(recent, METRIC),
    ):
        bare = table.copy()
        bare.attrs.clear()
        known, unknown = page(table), page(bare)
        assert known.cells == unknown.cells
        assert known.heads == unknown.heads
        assert len(unknown.lines) < len(known.lines)


# --- days that still grow ---


def test_tables_without_dates_say_that_days_in_them_still_grow(recent):
    line = "holds days after 2026-05-30, up to 2026-06-30, which still grow"
    for table in (
        recent.braze.totals(),
        recent.braze.rates("unique_open_rate"),
        quiet(recent, METRIC),
    ):
        assert page(table).below("grow") == line


def test_settled_tables_say_nothing_of_it(recent):
    settled = recent.braze.settled()
    for table in (settled, settled.braze.totals(), settled.braze.rates(freq="MS")):
        assert not page(table).says("grow")


def test_days_that_still_grow_are_marked(recent):
    shown = page(recent.loc["2026-05-29":"2026-06-01"])
    days = [text for (_, level), text in shown.labels.items() if level == 0]
    assert days == ["2026-05-29", "2026-05-30", "2026-05-31 †", "2026-06-01 †"]
    assert shown.below("†") == "† holds days after 2026-05-30, which still grow"


@pytest.mark.parametrize(
    ("freq", "marked"),
    [
        ("MS", ["2026-05-01 †", "2026-06-01 †"]),
        ("ME", ["2026-05-31 †", "2026-06-30 †"]),
        ("W", ["2026-05-31 †", "2026-06-07 †"]),
        # Half a year, too, which the second contract marks with ‡.
        ("YS", ["2026-01-01 ‡ †"]),
    ],
)
def test_periods_are_marked_that_hold_such_days_wherever_their_label_stands(
    recent, freq, marked
):
    for table in (
        recent.braze.totals(by=[], freq=freq),
        recent.braze.rates("unique_open_rate", by=[], freq=freq),
    ):
        days = list(page(table).labels.values())
        found = [day for day in days if "†" in day]
        assert found[:2] == marked
        assert days[-len(found) :] == found


def test_periods_of_many_days_are_marked_by_the_days_in_them(recent):
    labels = list(page(recent.braze.totals(by=[], freq="10D")).labels.values())
    starts = pd.date_range(recent.index[0][0], "2026-06-30", freq="10D")
    late = [day + pd.Timedelta("9D") > pd.Timestamp("2026-05-30") for day in starts]
    wanted = [
        f"{day.date()} †" if mark else f"{day.date()}"
        for day, mark in zip(starts, late, strict=True)
    ]
    assert labels == wanted


def test_dates_are_marked_in_columns_and_heads_too(recent):
    part = recent.loc["2026-05-30":"2026-05-31", ["conversions"]]
    assert page(part.reset_index()).column("date")[-1] == "2026-05-31 †"
    wide = part.reset_index().pivot_table("conversions", "variation", "date")
    assert "2026-05-31 †" in page(wide).heads.values()


def test_what_results_pass_on_is_small_and_nothing_but_json(recent):
    for table in (
        recent.braze.totals(freq="W"),
        recent.braze.rates({"own": ("revenue", "sent")}, ci=0.9),
        recent.braze.rates("unique_open_rate"),
        quiet(recent, [METRIC, MEAN], conf_level=np.float64(0.9), deff=2),
    ):
        about = table.attrs["braze"]
        assert json.loads(json.dumps(about, allow_nan=False)) == about
        units = about.pop("units", {})
        assert len(json.dumps(about)) < 500
        assert {*units} <= {*pd.DataFrame(table)}, "results say the unit of each column"
        assert about["settled_until"] == "2026-05-30"
        assert about["last"] == "2026-06-30"


def test_results_can_be_joined(recent):
    parts = {name: quiet(recent, METRIC, adjust=name) for name in ("holm", "none")}
    joined = pd.concat(parts, names=["campaign"])
    assert len(page(joined).column("lift")) == 4


def test_frames_from_files_have_no_days_to_tell_of(month):
    about = month.braze.totals().attrs["braze"]
    assert {*about} == {"units"}, "results say their units; nothing else is known"
    assert not page(month.braze.totals(freq="W")).says("grow")


# --- names ---


@given(st.lists(names.filter(bool), min_size=1, max_size=3), names, names)
def test_no_name_is_markup(variations, stat, axis):
    arms = {name: counts([(5, 100)] * 2) for name in variations}
    arms[CONTROL] = counts([(4, 100)] * 2)
    frame = bf.read_braze_series(response(arms))
    table = pd.concat({stat: frame, f"and {stat}": frame}, names=["campaign"])
    table[stat or "x"] = 1.5
    table.columns.name = axis
    lifts = quiet(table, METRIC)
    for shown in (page(table), page(lifts), page(table.rename_axis(index=str.upper))):
        assert shown.tags <= TABLE
    for name in variations:
        whole = " ".join(name.split())
        if name.isprintable() and len(whole) <= 40 and name == whole:
            assert whole in page(lifts).labels.values()


@given(names, names)
def test_no_name_of_a_rate_is_markup(name, other):
    frame = trial({"A": [(5, 100)], CONTROL: [(4, 100)]})
    formula = ("conversions_by_send_time", "unique_recipients")
    table = frame.braze.rates({name: formula, other: formula})
    table.index.names = [f"<b>{name}", other]
    shown = page(table)
    assert shown.tags <= TABLE
    assert len(shown.heads) == len({name, other})
    assert len(set(shown.heads.values())) == len({name, other})


@given(names)
def test_no_note_method_or_cell_is_markup(text):
    found = quiet(trial({"A": [(5, 100)], CONTROL: [(4, 100)]}), METRIC)
    found[["note", "method", "control"]] = text
    found["lift"] = np.nan
    findings = pd.DataFrame({text: [text], "list": [[text, text]], "day": [pd.NaT]})
    for shown in (page(found), page(found[["note", "control"]]), page(findings)):
        assert shown.tags <= TABLE


rubbish = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | names,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner),
)
KEYS = ["settled_until", "last", "growing_from", "conf_level", "adjust", "deff", "ci"]
KEYS += ["metrics", "units", "campaigns"]


@given(rubbish | st.dictionaries(st.sampled_from(KEYS), rubbish))
def test_attrs_may_hold_anything(about):
    frame = trial({"A": [(5, 100)] * 3, CONTROL: [(4, 100)] * 3})
    for table in (frame, quiet(frame, METRIC), frame.braze.rates(ci=0.9, freq="W")):
        table.attrs["braze"] = about
        shown = page(table)
        assert shown.tags <= TABLE
        assert not any("<" in line for line in shown.lines)


def test_long_names_are_cut_and_stay_distinct():
    names = [f"{'Spring sale ' * 30}{end}" for end in "AB"]
    table = trials({name: {"A": [(5, 100)]} for name in names})
    found = {text for (_, level), text in page(table).labels.items() if level == 0}
    assert len(found) == 2
    assert all(len(text) <= 40 for text in found), "as in pictures"


def test_long_names_have_the_labels_of_pictures():
    names = [f"2026-Q2 | DE | Newsletter | Subject {n} | {'x' * 30}" for n in range(3)]
    table = trials({name: {"A": [(5, 100)]} for name in names})
    found = {text for (_, level), text in page(table).labels.items() if level == 0}
    assert found == {f"… Subject {n} …" for n in range(3)}


def test_a_part_of_a_result_keeps_the_labels_of_the_whole():
    names = [f"2026-Q2 | DE | Newsletter | Subject {n} | {'x' * 30}" for n in range(3)]
    frame = trial({name: [(5, 100)] for name in [*names, CONTROL]})
    whole = quiet(frame, METRIC, stratify=None)
    shown = page(whole.iloc[:1])
    assert "… Subject 0 …" in shown.labels.values()
    assert "… Subject 0 …" in page(whole[["lift"]].unstack()).heads.values()  # noqa: PD010


def test_mathjax_leaves_the_table_alone_whatever_the_options_say(recent):
    table = recent.braze.totals()
    for mathjax in (True, False):
        with pd.option_context("styler.html.mathjax", mathjax):
            assert {"tex2jax_ignore", "mathjax_ignore"} <= set(page(table).classes)


# --- a Styler of pandas ---


def test_the_html_is_the_same_each_time_and_two_tables_share_no_ids(recent):
    one, other = recent.braze.totals(), recent.braze.totals(by="variation")
    assert bf.style(one).to_html() == bf.style(one).to_html()
    assert not set(page(one).ids) & set(page(other).ids)
    assert not set(page(one).ids) & set(page(one + 1).ids)


def test_the_html_does_not_depend_on_the_last_bits_which_machines_compute_otherwise():
    table = pd.DataFrame({"lift": [0.161], "significant": [True]}, ["A"])
    almost = table.assign(lift=np.nextafter(0.161, 1))
    assert not almost.equals(table)
    assert bf.style(almost).to_html() == bf.style(table).to_html()


def test_no_colours_are_set_so_that_dark_themes_can_be_read(recent):
    shown = page(quiet(recent, METRIC))
    assert "text-align" in shown.css
    assert "color" not in shown.css
    assert "background" not in shown.css


def test_the_numbers_stay_as_they_are_and_further_styles_work(recent):
    table = recent.braze.totals(freq="MS")
    styler = bf.style(table)
    pd.testing.assert_frame_equal(styler.data, table)
    coloured = styler.background_gradient(subset=["conversions"])
    assert "background-color" in Page(coloured).css


def test_the_frame_is_left_alone(recent):
    table = quiet(recent, METRIC).rename_axis(["<b>", "<i>"])
    copy, about = table.copy(deep=True), json.dumps(table.attrs)
    bf.style(table).to_html()
    pd.testing.assert_frame_equal(table, copy)
    assert json.dumps(table.attrs) == about


@pytest.mark.parametrize("given", [None, [1, 2], "frame", {"a": 1}, np.ones(3)])
def test_other_things_than_tables_are_refused(given):
    with pytest.raises(TypeError, match="pass a DataFrame or a Series"):
        bf.style(given)


def test_tables_that_no_page_can_show_are_refused():
    with pytest.raises(ValueError, match=r"100,001 rows.*slice the frame"):
        bf.style(pd.DataFrame({"sent": range(100_001)}))


def test_rows_and_columns_that_stand_twice_are_refused(frame):
    with pytest.raises(bf.FrameError, match="the row .*Control Group.* stands twice"):
        bf.style(pd.concat([frame, frame.iloc[[1]]]))
    with pytest.raises(bf.FrameError, match="the column sent stands twice"):
        bf.style(frame[["sent", "sent"]])


@pytest.mark.parametrize(
    "part",
    [
        lambda df: df.iloc[:0],
        lambda df: df[[]],
        lambda df: df.head(1),
        lambda df: quiet(df, METRIC).iloc[:0],
        lambda df: df.braze.rates().assign(none=np.nan)[["none"]],
        lambda df: df.reset_index().iloc[:2],
        lambda df: df.pivot_table(["sent", "revenue"], "channel", "variation"),
        lambda df: df["sent"].head(3),
    ],
)
def test_parts_of_tables_can_be_shown(recent, part):
    table = part(recent)
    shown = page(table)
    assert shown.tags <= TABLE
    rows = {row for row, _ in shown.cells}
    assert len(rows) == (len(table) if np.size(table) else 0)


def test_as_plain_text_it_is_the_frame(recent):
    lifts = quiet(recent, METRIC)
    assert repr(bf.style(lifts)) == repr(lifts)
    assert repr(bf.style(lifts).format("{:.1f}", subset="lift")) == repr(lifts)


def test_other_results_are_shown_by_what_they_hold(recent, client, tmp_path):
    findings = recent.braze.check()
    shown = page(findings)
    assert shown.column("detail") == findings["detail"].tolist()
    assert shown.column("first") == [f"{day:%Y-%m-%d}" for day in findings["first"]]
    assert shown.labels == {}
    split = page(recent.braze.srm())
    assert split.column("mismatch")[0] in ("no", "yes ✔")
    assert page(recent.braze.winner("unique_open_rate")).column("significant") == [
        "yes ✔"
    ]
    campaigns = client.campaigns()
    assert page(campaigns).column("tags")[0] == ", ".join(campaigns["tags"].iloc[0])
    cache = bf.Cache(tmp_path)
    bf.read_braze_series(campaigns["id"].iloc[0], length=9, client=client, cache=cache)
    assert page(cache.info()).column("days") == ["9"]
    assert page(bf.glossary()).column("metric")[0] == "delivery_rate"


def test_all_tests_have_one_line_below_their_table_on_what_they_share(rng):
    names = [f"test {n}" for n in range(4)]
    arms = {"A": binomial(rng, 0.06, 9000, 1), CONTROL: binomial(rng, 0.05, 9000, 1)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.StatisticsWarning)
        table = trials(dict.fromkeys(names, arms)).braze.tests()
    shown = page(table)
    assert shown.says("all 4 comparisons with a control: mean lift +")
    summary = table.attrs["braze"]["portfolio"]
    assert shown.says(f"{100 * summary['lift']:+.1f} %")
    table.attrs["braze"]["portfolio"] = {"tests": "many"}
    assert not page(table).says("comparisons with a control")


# --- what results say of their units, gaps and periods ---


@pytest.fixture(scope="module")
def shop():
    """Read all campaigns of the sandbox, of one channel and of several."""
    with bf.Sandbox() as sandbox, sandbox.connect() as client:
        ids = client.campaigns().set_index("name")["id"]
        return bf.read_braze_series(ids, start="2026-03-04", client=client)


def all_tests(frame):
    """Compare all tests without warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.StatisticsWarning)
        return frame.braze.tests()


def test_units_are_those_that_results_say_and_go_by_names_only_without(recent):
    own = recent.braze.rates({"rate": ("revenue", "sent"), "sent": ("sent", "sent")})
    shown = page(own)
    assert shown.column("rate")[0].endswith(" USD") is True
    assert shown.column("sent")[0] == "100.00 %"
    own.attrs["braze"]["units"]["sent"] = "count"
    assert page(own).column("sent")[0] == "1"
    wide = recent.braze.rates(["unique_open_rate"]).unstack("variation")  # noqa: PD010
    wide.columns = wide.columns.get_level_values("variation")
    assert page(wide).column("Still Thinking?")[0].endswith(" %")


def test_one_table_may_hold_amounts_and_shares_by_its_rows(recent):
    found = quiet(recent, [METRIC, MEAN])
    units = found.attrs["braze"]["units"]
    assert units["lift"] == "lift"
    assert units["rate"] == {METRIC: "share", MEAN: "USD"}
    assert " USD" in page(found[["rate"]]).column("rate")[2]


def test_cut_periods_are_marked_and_say_how_many_of_their_days_are_there(recent):
    part = recent.loc["2026-03-11":"2026-05-26"]
    weeks = part.braze.totals(by=[], freq="W")
    shown = page(weeks)
    assert [text for text in shown.labels.values() if "‡" in text] == [
        "2026-03-15 ‡",
        "2026-05-31 ‡ †",
    ]
    line = "‡ cut off: 2026-03-15 holds 5 of 7 days, 2026-05-31 holds 2 of 7 days"
    assert shown.below("‡") == line
    assert page(weeks.head(3)).below("‡") == line.partition(",")[0]
    assert not page(part.braze.totals(by=[], freq="W", whole=True)).says("‡")
    months = part.braze.rates("unique_open_rate", by=[], freq="MS")
    assert page(months).below("‡").startswith("‡ cut off: 2026-03-01 holds 21 of 31")


def test_each_dash_has_one_reason(shop):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.NonAdditiveWarning)
        sums = shop.braze.totals(by=[])
        assert page(shop.braze.totals(by="campaign")).says("not given by Braze")
    shown = page(sums[["unique_recipients", "unique_opens", "revenue"]])
    assert shown.column("unique_recipients") == [f"{DASH}1"]
    assert shown.column("revenue") == [f"{DASH}2"]
    assert shown.lines[:2] == [
        "1 people of several channels are not added up",
        "2 stands in day totals alone: read grain='campaign'",
    ]
    assert page(sums[["revenue"]]).lines[0].startswith(DASH)


def test_a_rate_that_a_channel_cannot_have_is_told_from_one_without_numbers(shop):
    rates = shop.braze.rates(["unique_open_rate", "delivery_rate"], by="channel")
    assert page(rates).below(DASH) == f"{DASH} this channel has no such number"
    of_one = shop.xs("Basket Reminder: Subject Test", drop_level=False)
    by_name = of_one.braze.rates("unique_open_rate", by=["channel", "variation"])
    assert page(by_name).below(DASH) == f"{DASH} no rate: nothing to divide by"


def test_a_rate_without_its_interval_says_so():
    frame = trial({"A": [(5, 100)] * 3, CONTROL: [(4, 100)] * 3})
    means = frame.assign(revenue=1.5).braze.rates(MEAN, ci=0.95)
    shown = page(means)
    assert shown.below(DASH) == f"{DASH} no interval: fewer than 4 effective days"


def test_a_change_has_its_star_on_the_change_and_says_its_days(shop):
    table = shop.braze.change("unique_click_rate")
    shown = page(table)
    for text, row in zip(
        shown.column("change"), table.itertuples(index=False), strict=True
    ):
        assert text.endswith(" *") is (
            not pd.isna(row.significant) and bool(row.significant)
        )
    assert {text[-1] for text in shown.column("rate_before")} <= {"%", "1"}
    assert shown.below("against").startswith("metric: unique_click_rate · 2026-")
    assert shown.below("significant") == "* significant: p_value below 5 %"
    assert shown.column("eff_days") is None
    part = page(table[["change", "p_value"]]).column("change")
    assert [text for text in part if "*" in text] == [
        text for text in shown.column("change") if "*" in text
    ]


def test_a_lift_has_its_star_whatever_stands_beside_it(recent):
    found = quiet(recent, METRIC)
    shown = page(found[["lift"]])
    assert shown.column("lift") == page(found).column("lift")
    assert shown.says("* significant: p_adjusted below 5 %, Holm")
    for part in (found.droplevel("channel"), found.reset_index().drop(columns="note")):
        few = part[[*part.columns[:1], "lift"]]
        assert page(few).column("lift") == shown.column("lift")
    assert page(found.loc[["email"]][["lift"]]).column("lift") == shown.column("lift")
    lost = found[["lift"]].copy()
    lost.attrs.clear()
    other = found.reset_index(drop=True)[["lift"]]
    assert page(other).says("significance is not shown: it is in p_adjusted")
    for table in (lost, other):
        assert not any("*" in text for text in page(table).column("lift"))


def test_a_table_may_be_turned_and_widened(recent):
    rates = recent.braze.rates(["unique_open_rate", MEAN], by="variation")
    turned = page(rates.T).column("Still Thinking?")
    assert turned[0].endswith(" %")
    assert turned[1].endswith(" USD")
    wide = page(recent.braze.rates(["unique_open_rate"]).unstack())  # noqa: PD010
    assert wide.below(DASH) == f"{DASH} no rate: nothing to divide by"


def test_settled_campaigns_with_windows_of_their_own_do_not_grow(shop):
    sums = shop.braze.settled().braze.totals(by=["campaign", "channel"])
    for table in (all_tests(shop), sums):
        assert not page(table).says("still grow")
    assert page(shop.braze.totals()).says("still grow")


def test_tests_show_what_a_report_needs(shop):
    shown = page(all_tests(shop))
    heads = set(shown.heads.values())
    assert {"rate", "control_rate", "lift", "p_adjusted", "verdict"} <= heads
    assert not {"significant", "p_portfolio", "shrunk", "incremental_low"} & heads
    assert any(text.endswith(" % *") for text in shown.column("lift"))


def test_plans_are_shown_with_their_reasons(shop):
    shown = page(shop.braze.sample_size(METRIC, 0.1))
    assert all("." not in text for text in shown.column("daily"))
    assert shown.column("base_rate")[-1].endswith(" %")
    assert shown.says(f"metric: {METRIC}")
    assert not page(shop.braze.mde(METRIC, days=28)).says("significan")


def test_revisions_are_shown_with_counts_as_counts(tmp_path):
    sandbox = bf.Sandbox(today="2026-06-01")
    with sandbox, sandbox.connect() as client:
        cache = bf.Cache(tmp_path)
        campaign = {"Basket": sandbox.campaigns[TESTED]}
        for today in ("2026-06-01", "2026-06-08"):
            sandbox.today = today
            bf.read_braze_series(campaign, length=12, client=client, cache=cache)
    table = cache.revisions()
    assert not table.index.is_unique
    shown = page(table)
    counted = [stat != "revenue" for stat in table["stat"]]
    news = [text for text, of in zip(shown.column("new"), counted, strict=True) if of]
    assert news == [f"{n:,}" for n, of in zip(table["new"], counted, strict=True) if of]
    assert shown.column("endpoint")[0] == table.index[0]


def test_counts_that_became_floats_are_counts(recent):
    wide = recent["sent"].unstack("variation").astype("float64")  # noqa: PD010
    assert page(wide).column("Still Thinking?")[0] == f"{wide.iloc[0, -1]:,.0f}.00"
    sums = recent.braze.totals(by="variation")[["sent"]].astype("float64")
    assert "." not in page(sums).column("sent")[0]


# --- other writings ---


def test_text_and_latex_are_what_is_shown_without_marks_of_html(recent):
    found = quiet(recent, METRIC)
    shown, text, latex = page(found), *_written(bf.style(found))
    for line in shown.lines:
        assert line in text.splitlines()
    for cell in shown.column("lift"):
        assert cell in text
        bold, star = cell.partition(" *")[0].replace("%", "\\%"), "*" in cell
        assert (f"\\textbf{{{bold}}} *" if star else bold) in latex
    for marks in ("<strong>", "<sup>", "&lt;", "<br>"):
        assert marks not in text + latex
    assert "10\\% Off Your Basket" in latex
    assert "\\toprule" in latex
    assert "conversion\\_rate\\_by\\_send\\_time" in latex


def _written(styler):
    return styler.to_string(), styler.to_latex()


def test_latex_may_be_a_table_with_a_caption_and_go_to_a_file(recent, tmp_path):
    styler = bf.style(recent.braze.totals(by=[], freq="MS"))
    path = tmp_path / "table.tex"
    assert styler.to_latex(path, caption="Months", label="tab:months") is None
    text = path.read_text(encoding="utf-8")
    assert text.startswith("\\begin{table}")
    assert text.rstrip().endswith("\\end{table}")
    assert "\\caption{Months}" in text
    assert "2026-03-01 \\textdaggerdbl{}" in text
    assert "holds days after 2026-05-30" in text.partition("\\end{tabular}")[2]


@pytest.mark.parametrize("name", NASTY)
def test_no_name_is_a_command_of_latex(name):
    found = quiet(trial({name or "A": [(5, 100)], CONTROL: [(4, 100)]}), METRIC)
    text, latex = _written(bf.style(found))
    assert "<strong>" not in text
    body = latex.replace("$-$", "").replace("$\\infty$", "").replace("$\\surd$", "")
    assert "$" not in body.replace("\\$", "")
    assert "\\frac" not in body
    assert not {"\x00", "\u202e"} & {*text, *latex}


def test_what_pandas_made_of_a_result_has_no_unit_and_no_cause_of_ours(growing):
    sums = growing.braze.totals(by=[], freq="D")[["sent", "revenue"]]
    sums["sent"] = range(len(sums), 0, -1)
    described = page(sums.assign(unique_open_rate=0.25).describe())
    assert described.column("unique_open_rate")[:2] == [str(len(sums)), "25.00 %"]
    assert described.column("revenue")[0] == str(len(sums))
    changed = page(sums[["sent"]].diff())
    assert changed.below(DASH) == f"{DASH} no value"
    rate = page(sums[[]].assign(unique_open_rate=sums["sent"] / 1000).diff())
    assert "%" not in "".join(rate.column("unique_open_rate"))
    assert rate.below(DASH) == f"{DASH} no value"
