"""Several campaigns in one input are never read as one, wherever their ids stand."""

import io
import json
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest

import braze_frames as bf

from ..payloads import ID, OTHER_ID, as_bytes, day, email, entry, response

STATS = ["sent", "opens", "clicks", "bounces", "delivered", "conversions"]
LEVELS = ["campaign", "date", "channel", "variation"]


def row(sent, id_=None, time="2026-05-01", key="campaign_id", **more):
    """A day row with one e-mail; its campaign under ``key``."""
    messages = {"email": [entry("A", "v-a", sent=sent)]}
    return {"time": time, "messages": messages, **({key: id_} if id_ else {}), **more}


def sums(source, **options):
    """Campaign → messages sent, without any warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = bf.read_braze_series(source, **options)
    assert frame.index.names == LEVELS
    return frame["sent"].groupby(level="campaign").sum().to_dict()


def lines(*trees):
    """JSON lines, as a handle."""
    return io.BytesIO(b"\n".join(map(as_bytes, trees)))


@pytest.mark.parametrize(
    "key",
    [
        *("campaign_id", "campaignId", "CAMPAIGN_ID", "Campaign ID", "CampaignID"),
        *("api_campaign_id", "_campaigns_id", "_CAMPAIGNS_ID", "campaign_api_id"),
        *("id", "ID", "campaign", "campaign_uuid", "brazeCampaignId"),
    ],
)
def test_rows_are_grouped_by_their_campaign_whatever_the_column_is_called(key):
    rows = [row(10, ID, key=key), row(700, OTHER_ID, "2026-05-02", key)]
    table = pd.DataFrame(rows)
    for source in (rows, lines(*rows), io.BytesIO(as_bytes(rows)), table):
        assert sums(source) == {ID: 10, OTHER_ID: 700}


@pytest.mark.parametrize(
    "where",
    [
        lambda id_: {"campaign_id": id_},
        lambda id_: {"campaignId": id_},
        lambda id_: {"id": id_},
        lambda id_: {"metadata": {"params": {"campaign_id": id_, "length": 1}}},
        lambda id_: {"params": {"campaign_id": id_}},
        lambda id_: {"request": {"url": f"https://x/y?campaign_id={id_}&length=1"}},
        lambda id_: {"url": f"https://x/y?campaign_id={id_}&length=1"},
    ],
)
def test_answers_are_grouped_by_the_id_beside_or_below_them(where):
    one, other = email(entry("A", sent=10)), email(entry("A", sent=700))
    answers = [one | where(ID), other | where(OTHER_ID)]
    for source in (answers, lines(*answers), io.BytesIO(as_bytes(answers))):
        assert sums(source) == {ID: 10, OTHER_ID: 700}


def test_days_inside_one_answer_may_be_of_several_campaigns():
    answer = {"data": [row(10, ID), row(700, OTHER_ID)]}
    assert sums(answer) == {ID: 10, OTHER_ID: 700}


def test_a_mapping_from_ids_to_answers_or_rows_is_several_campaigns(tmp_path):
    answers = {ID: [email(entry("A", sent=1))], OTHER_ID: [email(entry("A", sent=2))]}
    rows = {ID: [row(1)], OTHER_ID: [row(2), row(3, time="2026-05-02")]}
    path = tmp_path / "by_id.json"
    path.write_bytes(as_bytes(rows))
    assert sums(answers) == {ID: 1, OTHER_ID: 2}
    for source in (rows, path, {k: pd.DataFrame(v) for k, v in rows.items()}):
        assert sums(source) == {ID: 1, OTHER_ID: 5}


def test_a_key_that_is_another_id_than_the_rows_is_refused():
    with pytest.raises(bf.PullError, match="one of the two ids is wrong"):
        bf.read_braze_series({ID: [row(1, OTHER_ID)]})


def test_an_id_makes_the_level_even_of_one_campaign_but_not_for_a_single_answer():
    answer = email(entry("A", sent=1)) | {"campaign_id": ID}
    assert sums([answer]) == {ID: 1}
    assert sums([row(1, ID)]) == {ID: 1}
    for source in (answer, io.BytesIO(as_bytes(answer)), [row(1)]):
        frame = bf.read_braze_series(source)
        assert frame.index.names == LEVELS[1:]
        assert frame["sent"].tolist() == [1]


def test_the_case_of_a_uuid_says_nothing():
    rows = [row(1, ID), row(2, ID.upper(), "2026-05-02")]
    assert sums(rows) == {ID: 3}


def test_campaign_name_is_the_label_and_twins_are_told_apart():
    rows = [
        row(1, ID, campaign_name="Old"),
        row(2, ID, "2026-05-02", campaign_name="New"),
        row(3, OTHER_ID, campaign_name="New"),
    ]
    assert sums(rows) == {"New [3bbc4555]": 3, "New [7f00d2aa]": 3}
    assert sums(rows[:2]) == {"New": 3}
    about = bf.read_braze_series(rows[:2]).attrs["braze"]
    assert about["campaigns"] == {"New": ID}


def test_two_columns_that_may_both_be_the_id_are_refused():
    rows = [row(1, ID, other=1) | {"id": OTHER_ID}]
    with pytest.raises(bf.SourceError, match=r"campaign_id=.* and id=.*rename"):
        bf.read_braze_series(rows)
    same = [row(1, ID) | {"_campaigns_id": ID}]
    assert sums(same) == {ID: 1}


@pytest.mark.parametrize("column", ["kampagne", "campaign_name", "name", "key"])
def test_text_that_differs_and_would_be_left_out_is_refused(column):
    rows = [row(1) | {column: "a"}, row(2, time="2026-05-02") | {column: "b"}]
    for source in (rows, lines(*rows), pd.DataFrame(rows)):
        with pytest.raises(bf.SourceError, match=rf"'{column}'.*campaign_id"):
            bf.read_braze_series(source)


def test_a_number_named_after_the_campaign_is_refused_where_it_differs():
    rows = [row(1, campaign_no=1), row(2, time="2026-05-02", campaign_no=2)]
    with pytest.raises(bf.SourceError, match="campaign_no"):
        bf.read_braze_series(rows)


def test_answers_whose_names_differ_are_not_read_as_one():
    answers = [email(entry("A", sent=n)) | {"name": f"C{n}"} for n in (1, 2)]
    with pytest.raises(bf.SourceError, match="'name'"):
        bf.read_braze_series(answers)


def test_answers_of_which_only_some_have_an_id_are_refused():
    answers = [email(entry("A", sent=1)) | {"campaign_id": ID}, email(entry("A"))]
    for source in (answers, lines(*answers)):
        with pytest.raises(bf.SourceError, match="has no campaign_id"):
            bf.read_braze_series(source)


def test_a_row_after_bare_answers_is_a_day_of_their_campaign():
    answers = [email(entry("A", "v-a", sent=n), time=f"2026-05-0{n}") for n in (1, 2)]
    frame = bf.read_braze_series(lines(*answers, row(3, time="2026-05-03")))
    assert frame["sent"].tolist() == [1, 2, 3]
    with pytest.raises(bf.SourceError, match="line 1 has no campaign_id"):
        bf.read_braze_series(lines(*answers, row(3, ID, time="2026-05-03")))


def test_another_endpoints_answer_after_bare_ones_is_refused():
    other = {"message": "success", "data": [{"time": "2026-05-01", "dau": 5}]}
    with pytest.raises(bf.PayloadError, match="/kpi/dau/data_series"):
        bf.read_braze_series(lines(email(entry("A", sent=1)), other))


def test_json_lines_of_one_campaign_are_held_one_by_one():
    entries = [entry(n, f"v-{n}", **dict.fromkeys(STATS, 9)) for n in "ABCD"]
    body = lines(
        *(
            response(*(day(str(one)[:10], {"email": entries}) for one in hundred))
            for hundred in np.split(pd.date_range("2020-01-01", periods=2000), 20)
        )
    )
    tracemalloc.start()
    frame = bf.read_braze_series(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All decoded answers take 10 times as much as the frame, one of 20 takes half.
    assert peak < 5 * frame.memory_usage(index=True).sum()


def test_other_columns_of_lists_are_left_out_with_a_warning():
    rows = [row(1, ID, tags=["a"]), row(2, OTHER_ID, tags=["b"])]
    with pytest.warns(bf.PayloadWarning, match="tags"):
        frame = bf.read_braze_series(rows)
    assert frame["sent"].tolist() == [1, 2]


def test_rows_of_several_campaigns_without_ids_say_how_to_mend_it():
    rows = [row(1), row(2)]
    with pytest.raises(bf.PayloadError, match=r"campaign_id.*drop_duplicates\("):
        bf.read_braze_series(rows)


def test_files_of_a_glob_that_hold_rows_are_one_table(tmp_path):
    parts = {"a": [row(1, ID), row(10, OTHER_ID)], "b": [row(2, ID, "2026-05-02")]}
    for name, rows in parts.items():
        (tmp_path / f"{name}.jsonl").write_bytes(lines(*rows).read())
    assert sums(str(tmp_path / "*.jsonl")) == {ID: 3, OTHER_ID: 10}


def test_files_of_a_glob_that_hold_answers_are_named_by_the_file(tmp_path):
    for name, id_ in (("Spring", ID), ("Autumn", OTHER_ID)):
        answer = email(entry("A", sent=1)) | {"campaign_id": id_}
        (tmp_path / f"{name}.json").write_bytes(as_bytes(answer))
    assert sums(str(tmp_path / "*.json")) == {"Spring": 1, "Autumn": 1}


def test_a_named_source_that_holds_several_campaigns_says_so():
    with pytest.raises(bf.PullError, match="Spring holds 2 campaigns"):
        bf.read_braze_series({"Spring": [row(1, ID), row(2, OTHER_ID)]})


@pytest.mark.parametrize(
    ("column", "old", "new"),
    [
        ("_airbyte_extracted_at", "2026-05-02T00:00:00Z", "2026-05-02T00:00:01+00:00"),
        ("_AIRBYTE_EXTRACTED_AT", "2026-05-09", "2026-05-10"),
        ("_dlt_load_id", "1714521600.9", "1714521601.1"),
        ("_sdc_extracted_at", pd.Timestamp("2026-05-02"), pd.Timestamp("2026-05-03")),
        ("_fivetran_synced", "2026-05-02 09:00", "2026-05-02 10:00"),
        ("emitted_at", 999, 1000),
    ],
)
def test_of_several_extracts_of_a_day_the_newest_wins(column, old, new):
    rows = [row(2, ID, **{column: new}), row(1, ID, **{column: old})]
    assert sums(rows) == {ID: 2}
    assert sums(rows[::-1]) == {ID: 2}


def test_a_day_that_stands_twice_alike_is_one():
    assert sums([row(1, ID), row(1, ID)]) == {ID: 1}


def test_a_day_that_stands_twice_says_what_to_write():
    rows = [row(1, ID), row(2, ID), row(3, OTHER_ID)]
    line = r'drop_duplicates\(\["campaign_id", "time"\], keep="last"\)'
    with pytest.raises(bf.PullError, match=line) as caught:
        bf.read_braze_series(rows)
    assert caught.value.frame["sent"].tolist() == [3]


def test_a_campaign_that_is_read_twice_from_files_is_not_split(tmp_path):
    for number, sent in enumerate((1, 2)):
        rows = [row(sent, ID, _sdc_extracted_at=f"2026-05-0{number + 2}")]
        (tmp_path / f"{number}.jsonl").write_bytes(lines(*rows).read())
    assert sums(str(tmp_path / "*.jsonl")) == {ID: 2}


AIRBYTE = [
    {"type": "LOG", "log": {"level": "INFO", "message": "start"}},
    {"type": "STATE", "state": {"data": {}}},
    {"type": "TRACE", "trace": {"emitted_at": 1}},
]
SINGER = [
    {"type": "SCHEMA", "stream": "campaigns", "schema": {}, "key_properties": []},
    {"type": "STATE", "value": {}},
]


def airbyte(stream, data, at=1):
    """A record as Airbyte's protocol has it."""
    record = {"stream": stream, "emitted_at": at, "data": data}
    return {"type": "RECORD", "record": record}


def singer(stream, record, at="2026-05-02T00:00:00Z"):
    """A record as Singer's protocol has it."""
    message = {"type": "RECORD", "stream": stream, "record": record}
    return message | {"time_extracted": at}


def raw(stream, data, at=1):
    """A row of a raw table."""
    found = {"_airbyte_raw_id": f"{stream}{at}", "_airbyte_data": data}
    return found | {"_airbyte_extracted_at": at}


def raw_text(stream, data, at=1):
    """A row of a raw table whose data are text."""
    return raw(stream, json.dumps(data), at)


def flat(stream, data, at=1):
    """A record of a file destination."""
    return {"stream": stream, "data": data, "emitted_at": at}


@pytest.mark.parametrize("wrap", [airbyte, singer, raw, raw_text, flat])
def test_envelopes_are_read_through(wrap):
    name = "campaigns_analytics"
    records = [wrap(name, row(1, ID)), wrap(name, row(2, OTHER_ID))]
    assert sums(lines(*records)) == {ID: 1, OTHER_ID: 2}
    assert sums(records) == {ID: 1, OTHER_ID: 2}
    assert sums(lines(records[0])) == {ID: 1}


@pytest.mark.parametrize("wrap", [airbyte, singer, flat])
def test_other_messages_and_streams_are_skipped_and_a_stream_of_campaigns_labels(wrap):
    noise = AIRBYTE + SINGER
    records = [
        wrap("kpi_daily_active_users", {"time": "2026-05-01", "dau": 5}),
        wrap("canvases_analytics", {"canvas_id": OTHER_ID, "time": "2026-05-01"}),
        wrap("campaigns", {"id": ID, "name": "Spring", "tags": ["a"]}),
        wrap("campaigns_analytics", row(1, ID)),
        wrap("campaigns", {"id": OTHER_ID, "name": "Autumn", "tags": []}),
        wrap("events", {"time": "2026-05-01", "count": 3}),
        wrap("campaigns_analytics", row(2, OTHER_ID)),
    ]
    assert sums(lines(*noise, *records)) == {"Spring": 1, "Autumn": 2}


@pytest.mark.parametrize(("wrap", "times"), [(airbyte, (1, 2)), (flat, (9, 10))])
def test_the_newest_of_two_envelopes_wins(wrap, times):
    records = [wrap("campaigns_analytics", row(n, ID), n) for n in times]
    assert sums(lines(*records[::-1])) == {ID: times[1]}


def test_whole_answers_in_envelopes_are_extracts_too():
    answers = [email(entry("A", sent=n)) | {"campaign_id": ID} for n in (1, 2)]
    found = [
        singer("series", answer, f"2026-05-0{n + 2}T00:00:00Z")
        for n, answer in enumerate(answers)
    ]
    assert sums(lines(*found)) == {ID: 2}


def test_an_envelope_without_campaigns_says_what_was_in_it():
    source = lines(*AIRBYTE, airbyte("kpi", {"time": "2026-05-01", "dau": 5}))
    with pytest.raises(bf.PayloadError, match="no days of campaigns.*'kpi'"):
        bf.read_braze_series(source)


def test_a_first_line_that_is_empty_changes_nothing():
    body = b"\n\n" + lines(row(1, ID), row(2, OTHER_ID)).read()
    assert sums(io.BytesIO(body)) == {ID: 1, OTHER_ID: 2}


def test_day_totals_of_rows_stand_in_the_campaign_grain():
    rows = [{"time": "2026-05-01", "campaign_id": ID, "conversions": 3}]
    rows += [day("2026-05-02", conversions=4) | {"campaign_id": ID}]
    frame = bf.read_braze_series(rows, grain="campaign")
    assert frame["conversions"].tolist() == [3, 4]
