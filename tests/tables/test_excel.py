"""Excel files: what is shown, with the numbers behind it; no formula, no lost sign."""

import io
import subprocess
import sys

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import braze_frames as bf
from braze_frames.core.numbers import DASH, MINUS

from ..trials import CONTROL, trial

METRIC = "conversion_rate_by_send_time"
SHOWN = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


def book(tables, **options):
    """Write tables, and read them with openpyxl."""
    file = io.BytesIO()
    bf.to_excel(tables, file, **options)
    file.seek(0)
    return openpyxl.load_workbook(file)


def sheet(table):
    """Write one table, and return its sheet."""
    return book({"Table": table})["Table"]


def column(found, head):
    """Return the cells below a head, down to the gap above the footnotes."""
    cells = next(cells for cells in found.iter_cols() if cells[0].value == head)
    gap = rows_empty(found)
    return [cell for cell in cells[1:] if not gap or cell.row < gap[0][0].row]


def rows_empty(found):
    """Return the rows in which nothing stands: the gap above the footnotes."""
    return [r for r in found.iter_rows() if all(cell.value is None for cell in r)]


def below(found):
    """Return the footnotes."""
    gap = rows_empty(found)
    return (
        [r[0].value for r in found.iter_rows(min_row=gap[0][0].row + 1)] if gap else []
    )


@pytest.fixture(scope="module")
def lifts(growing):
    with pytest.warns(bf.StatisticsWarning):
        return growing.braze.lift(METRIC)


def test_numbers_stay_numbers_and_look_as_they_are_shown(lifts):
    found = sheet(lifts)
    for name, form in (
        ("numerator", "#,##0"),
        ("rate", "0.00 %"),
        ("lift_low", "+0.0 %;-0.0 %;0.0 %"),
        ("diff", '+0.00 %" points";-0.00 %" points";0.00 %" points"'),
    ):
        cells = column(found, name)
        assert [cell.value for cell in cells] == pytest.approx(lifts[name].tolist())
        assert {cell.number_format for cell in cells} == {form}


def test_significant_lifts_are_bold_and_have_a_star(lifts):
    cells = column(sheet(lifts), "lift")
    for cell, significant in zip(cells, lifts["significant"], strict=True):
        assert cell.font.b is bool(significant)
        assert ('"' + " *" + '"' in cell.number_format) is bool(significant)


def test_hidden_columns_are_left_out_and_footnotes_stand_below(lifts):
    found = sheet(lifts)
    heads = [cell.value for cell in found[1]]
    assert heads[:2] == ["channel", "variation"]
    assert not {"statistic", "eff_days", "method", "note"} & set(heads)
    lines = below(found)
    assert any(line.startswith(f"metric: {METRIC}") for line in lines)
    assert any("significant: p_adjusted below 5 %" in line for line in lines)
    assert not any("<" in line or "&" in line for line in lines)


def test_a_styled_table_writes_itself(lifts, tmp_path):
    path = tmp_path / "lifts.xlsx"
    bf.style(lifts).to_excel(path, sheet_name="Lifts")
    found = openpyxl.load_workbook(path)
    assert found.sheetnames == ["Lifts"]
    direct = book({"Lifts": bf.style(lifts)})
    cells = [[cell.value for cell in row] for row in found["Lifts"].iter_rows()]
    assert cells == [[c.value for c in row] for row in direct["Lifts"].iter_rows()]


def test_several_tables_are_sheets_of_one_file_in_their_order(growing, lifts, tmp_path):
    path = tmp_path / "report.xlsx"
    tables = {"Tests": lifts, "Week": growing.braze.totals(freq="W"), "Raw": growing}
    bf.to_excel(tables, path)
    assert openpyxl.load_workbook(path).sheetnames == list(tables)
    assert [file.name for file in tmp_path.iterdir()] == ["report.xlsx"]
    raw = pd.read_excel(path, sheet_name="Raw", nrows=len(growing))
    assert raw["date"].tolist() == growing.index.get_level_values("date").tolist()
    sent = pd.to_numeric(raw["sent"], errors="coerce").astype("Int64")
    assert sent.tolist() == growing["sent"].tolist()


def test_labels_stand_in_each_row_and_nothing_is_merged(growing):
    found = sheet(growing.braze.totals())
    assert not found.merged_cells.ranges
    assert {cell.value for cell in column(found, "channel")} == {"email"}
    stats = growing.tail(9)[["sent", "revenue"]]
    wide = stats.unstack("variation")  # noqa: PD010  # of frames with NA, too
    found = sheet(wide)
    heads = [[cell.value for cell in row] for row in found.iter_rows(max_row=2)]
    assert heads[0][2:] == ["sent"] * 3 + ["revenue"] * 3
    assert heads[1][:2] == ["date", "channel"]
    assert not found.merged_cells.ranges


def test_young_days_keep_their_mark_and_stay_days(growing):
    cells = column(sheet(growing.loc["2026-05-30":"2026-05-31"]), "date")
    assert [cell.value for cell in cells[::3]] == list(
        pd.to_datetime(["2026-05-30", "2026-05-31"])
    )
    assert [cell.number_format for cell in cells[::3]] == [
        "yyyy-mm-dd",
        'yyyy-mm-dd" †"',
    ]


def test_what_is_missing_is_a_dash_with_its_note(growing):
    cells = column(sheet(growing.braze.rates("unique_open_rate")), "unique_open_rate")
    assert [cell.value for cell in cells].count(DASH) == 1
    empty = trial({"A": [(0, 0)] * 3, CONTROL: [(5, 100)] * 3})
    found = sheet(empty.braze.lift(METRIC))
    assert column(found, "lift")[0].value == f"{DASH}¹"
    assert below(found)[1].startswith("¹ ")


def test_what_is_too_small_to_be_seen_is_no_zero():
    cells = column(sheet(pd.DataFrame({"rate": [0.00001, 0.0], "lift": 0.1})), "rate")
    assert [cell.number_format for cell in cells] == ['"<0.01 %"', "0.00 %"]
    assert [cell.value for cell in cells] == [0.00001, 0]


def test_the_list_of_campaigns_can_be_written(client):
    campaigns = client.campaigns()
    found = sheet(campaigns)
    tags = [cell.value for cell in column(found, "tags")]
    assert tags == [", ".join(tags) for tags in campaigns["tags"]]
    days = [cell.value for cell in column(found, "last_edited")]
    assert days == campaigns["last_edited"].dt.tz_localize(None).tolist()
    assert column(found, "name")[0].column == 2, "the count of rows is not shown"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("x")'])
def test_no_name_is_a_formula(name, growing):
    frame = trial({name: [(5, 100)], CONTROL: [(4, 100)]})
    frame = frame.drop(columns="variation_api_id").assign(**{name: 1})
    frame.index = frame.index.set_names([name, "channel", "variation"])
    found = sheet(frame)
    cells = [cell for row in found.iter_rows() for cell in row if cell.value == name]
    assert len(cells) == 3
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.quotePrefix for cell in cells)


def test_signs_that_nobody_sees_are_replaced():
    name = "a\x00b\x07c\x1bd\ud800e\u202ef\ufffeg\nh"
    texts = pd.Series([name], dtype=object, name="text").to_frame()
    assert column(sheet(texts), "text")[0].value == "a b c d e f g h"
    heads = pd.DataFrame({"a\x00b": [1]}).rename_axis(index="c\x1bd")
    assert [cell.value for cell in sheet(heads)[1]] == ["c d", "a b"]


@settings(max_examples=25)
@given(SHOWN, SHOWN, st.text(max_size=5))
def test_any_name_can_be_written(name, variation, cell):
    frame = trial({variation: [(5, 100)], CONTROL: [(4, 100)]})
    frame[name] = cell
    found = sheet(pd.concat({name: frame}, names=["campaign"]))
    assert all(c.data_type != "f" for row in found.iter_rows() for c in row)
    wanted = " ".join("".join(s if s.isprintable() else " " for s in name).split())
    assert column(found, "campaign")[0].value == (wanted or "(no name)")


def test_long_texts_are_whole():
    name = "Spring sale " * 30 + "A"
    cells = column(sheet(pd.DataFrame({"campaign": [name], "sent": [1]})), "campaign")
    assert cells[0].value == name


def test_what_excel_would_change_is_a_text():
    table = pd.DataFrame(
        {
            "sent": pd.array([2**53, 2**53 + 1, None], "Int64"),
            "value": [np.inf, -np.inf, 1.5],
            "day": [pd.Timestamp("1850-01-01"), pd.Timestamp("2026-03-01"), pd.NaT],
            "flag": [True, False, True],
        }
    )
    found = sheet(table)
    sent, value, day, flag = (
        [cell.value for cell in column(found, name)] for name in table
    )
    assert sent == [2**53, "9,007,199,254,740,993", DASH]
    assert value == ["∞", f"{MINUS}∞", 1.5]
    assert day == ["1850-01-01", pd.Timestamp("2026-03-01"), DASH]
    assert flag == ["yes ✔", "no", "yes ✔"]


def test_rows_may_stand_twice_as_in_the_list_of_revisions():
    table = pd.DataFrame({"new": [102, 6.25]}, index=["a", "a"], dtype=object)
    cells = column(sheet(table.rename_axis("endpoint")), "new")
    assert [cell.value for cell in cells] == [102, 6.25]


def test_years_have_no_thousands():
    found = sheet(pd.DataFrame({"sent": [1]}, index=pd.Index([2026], name="year")))
    assert column(found, "year")[0].number_format == "0"


def test_sheets_are_added_to_a_writer(growing, tmp_path):
    path = tmp_path / "both.xlsx"
    with pd.ExcelWriter(path, engine="openpyxl") as writer:
        pd.DataFrame({"mine": [1]}).to_excel(writer, sheet_name="Mine")
        bf.style(growing.braze.totals()).to_excel(writer, "Totals")
        with pytest.raises(ValueError, match="two sheets are called 'mine'"):
            bf.to_excel({"mine": growing}, writer)
    assert openpyxl.load_workbook(path).sheetnames == ["Mine", "Totals"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a" * 32, "32 signs; Excel takes up to 31"),
        ("\N{ROCKET}" * 16, "32 signs"),
        *[(f"Q1{sign}Q2", "Excel takes none of") for sign in "[]:*?/\\"],
        ("a\nb", "Excel takes none of"),
        ("a\u202eb", "no signs that nobody sees"),
        ("'week'", "begins or ends with '"),
        ("History", "History is its own"),
        ("", "no name of a sheet"),
        (" ", "no name of a sheet"),
        (7, "no name of a sheet"),
    ],
)
def test_names_that_excel_refuses_are_refused(name, words, growing, tmp_path):
    with pytest.raises(ValueError, match=words):
        bf.to_excel({"Fine": growing, name: growing}, tmp_path / "a.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_two_sheets_of_one_name_are_refused(growing):
    with pytest.raises(ValueError, match="'week' and 'Week', which is the same name"):
        book({"Week": growing, "week": growing})


def test_more_rows_or_columns_than_a_sheet_holds_are_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"as it was")
    rows = pd.DataFrame({"sent": np.zeros(1_048_576, dtype="int64")})
    with pytest.raises(ValueError, match=r"Raw: 1,048,577 rows .*totals\(freq="):
        bf.to_excel({"Raw": rows}, path)
    columns = pd.DataFrame(np.zeros((1, 16_385)))
    with pytest.raises(ValueError, match="16,385 columns"):
        bf.to_excel({"Raw": columns}, path)
    assert path.read_bytes() == b"as it was"


def test_other_things_are_refused(growing, tmp_path):
    path = tmp_path / "a.xlsx"
    with pytest.raises(TypeError, match="no mapping of tables"):
        bf.to_excel(growing, path)
    with pytest.raises(TypeError, match="no table: pass a DataFrame"):
        bf.to_excel({"Week": [1, 2]}, path)
    with pytest.raises(ValueError, match="no table to write"):
        bf.to_excel({}, path)
    with pytest.raises(ValueError, match=r"end its name in \.xlsx"):
        bf.to_excel({"Week": growing}, tmp_path / "a.xls")
    with pytest.raises(TypeError, match=r"path=None is no file: pass a name"):
        bf.to_excel({"Week": growing}, None)
    with pytest.raises(FileNotFoundError, match="no folder '.*none': make it"):
        bf.to_excel({"Week": growing}, tmp_path / "none" / "a.xlsx")
    with pytest.raises(bf.FrameError, match="stands twice"):
        bf.to_excel({"Week": growing[["sent", "sent"]]}, path)
    assert list(tmp_path.iterdir()) == []


def test_without_openpyxl_the_extra_is_named():
    code = """
import sys; sys.modules["openpyxl"] = None
import pandas as pd, braze_frames as bf
try:
    bf.style(pd.DataFrame({"sent": [1]})).to_excel("a.xlsx")
except ImportError as error:
    print(error)
"""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "pip install 'braze-frames[excel]'" in done.stdout


def test_what_is_hidden_is_written_nowhere(growing):
    sums = growing.braze.totals(by=["channel", "variation"])[["sent", "revenue"]]
    styled = bf.style(sums).hide(["revenue"], axis="columns").hide(level="channel")
    styled = styled.hide([sums.index[0]], axis="index")
    rows = list(sheet(styled).values)
    assert rows[0][:2] == ("variation", "sent")
    assert [row[0] for row in rows[1:] if row[0]][: len(sums) - 1] == [
        *sums.index.get_level_values("variation")[1:]
    ]
    for text in (styled.to_string(), styled.to_latex(), styled.to_html(), str(rows)):
        assert "variation" in text
        assert not any(word in text for word in ("revenue</th>", "email", " & revenue"))
    bare = bf.style(sums).hide(axis="index")
    assert next(sheet(bare).values)[:2] == ("sent", "revenue")
    with pytest.raises(ValueError, match="always have the labels of the columns"):
        bf.style(sums).hide(axis="columns").to_string()


def test_hiding_one_more_column_keeps_the_rest_hidden(lifts):
    one_less = bf.style(lifts).hide(["lift"], axis="columns")
    shown = [cell.value for cell in sheet(lifts)[1]]
    assert [cell.value for cell in sheet(one_less)[1]] == [
        head for head in shown if head != "lift"
    ]
    assert "control_numerator" not in one_less.to_html()


def test_options_of_pandas_are_refused_in_words(growing):
    styled = bf.style(growing.braze.totals())
    with pytest.raises(TypeError, match="takes excel_writer and sheet_name, not start"):
        styled.to_excel(io.BytesIO(), startrow=3)
    for write in (styled.to_string, styled.to_latex):
        with pytest.raises(TypeError, match=r"takes buf.*, not index.*frame\.to_"):
            write(index=False)
