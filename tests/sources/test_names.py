"""Campaigns are named by what they are called, and read by id."""

import uuid

import pandas as pd
import pytest

import braze_frames as bf

from ..payloads import ID, OTHER_ID
from ..servers import answer, serve

WELCOME, ORDERS = "Welcome Email", "Order Updates"


def read(source, client, **options):
    """Read two days."""
    return bf.read_braze_series(source, length=2, client=client, **options)


def test_a_name_is_one_campaign(sandbox, client):
    frame = read(WELCOME, client)
    assert frame.index.names == ["date", "channel", "variation"]
    expected = read(sandbox.campaigns[WELCOME], client)
    pd.testing.assert_frame_equal(frame, expected)
    paths = [request.path for request in sandbox.requests]
    assert "/campaigns/list" in paths


def test_a_pattern_a_list_and_a_mapping_of_names_are_several(
    sandbox, client, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)  # a file that matches would win
    assert read("W*Email", client).braze.campaigns == [WELCOME]
    assert read("*", client).index.names[0] == "campaign"
    mixed = [sandbox.campaigns[ORDERS], WELCOME]
    assert read(mixed, client).braze.campaigns == sorted(mixed)
    assert read({"Hi": WELCOME}, client).braze.campaigns == ["Hi"]
    assert read([WELCOME, "Welcome*"], client).braze.campaigns == [WELCOME]


@pytest.mark.parametrize("label", ["Time", "data", "message", "size"])
def test_a_label_may_be_a_key_of_an_answer(label, sandbox, client):
    id_ = sandbox.campaigns[WELCOME]
    for one in (id_, uuid.UUID(id_)):
        assert read({label: one}, client).braze.campaigns == [label]


def test_a_name_with_brackets_is_no_pattern(client):
    with pytest.raises(bf.SourceError, match=r"\[DE\] Welcome"):
        read("[DE] Welcome", client)


def test_a_name_that_nobody_has_says_what_was_looked_for(client):
    for name in ("Welcom Email", "welcome email"):
        with pytest.raises(
            bf.SourceError, match=f"{name}.*no file.*nearest: {WELCOME}"
        ):
            read(name, client)
    with pytest.raises(bf.SourceError, match=r"'Nothing\*'.*no file"):
        read("Nothing*", client)


def test_a_name_that_several_campaigns_have_says_their_ids():
    twins = [{"id": id_, "name": WELCOME} for id_ in (ID, OTHER_ID)]
    pages = [answer(body={"campaigns": page}) for page in (twins, [])]
    with serve(*pages) as (script, url):
        with bf.BrazeClient(url, "made-up-key-of-two-campaigns") as client:
            with pytest.raises(bf.SourceError, match=f"2 .*{ID}, {OTHER_ID}; pass"):
                read(WELCOME, client)
        assert not any("campaign_id" in query for query in script.queries)


def test_what_looks_like_a_path_is_never_asked_of_the_account(sandbox, client):
    for path in ("gone.json", "/gone", "./gone", "~/gone", "gone.parquet", "C:\\gone"):
        with pytest.raises(bf.SourceError, match="no file"):
            read(path, client)
    assert not sandbox.requests


def test_a_file_wins_over_a_name(tmp_path, monkeypatch, client):
    monkeypatch.chdir(tmp_path)
    (tmp_path / WELCOME).write_text('{"data": []}')
    assert len(bf.read_braze_series(WELCOME, client=client)) == 0


def test_rows_and_columns_of_the_list_of_campaigns_are_sources(sandbox, client):
    table = client.campaigns()
    table = table[table["name"].isin([WELCOME, ORDERS])]
    ids, names = sorted(table["id"]), sorted([WELCOME, ORDERS])
    assert read(table["id"], client).braze.campaigns == ids
    assert read(table["id"].reset_index(drop=True), client).braze.campaigns == ids
    for source in (table, table.set_index("name"), table.set_index("name")["id"]):
        assert read(source, client).braze.campaigns == names
    assert read(table.set_index("id"), client).braze.campaigns == names
    one = read(table.iloc[0], client)
    pd.testing.assert_frame_equal(one, read(table["id"].iloc[0], client))


def test_an_empty_list_of_campaigns_says_that_tags_are_case_sensitive(client):
    with pytest.raises(bf.SourceError, match="tags are case-sensitive"):
        read(client.campaigns(tag="no such tag"), client)


def test_names_go_through_the_cache(sandbox, client, tmp_path):
    first = read(WELCOME, client, cache=tmp_path)
    pd.testing.assert_frame_equal(read(WELCOME, client, cache=tmp_path), first)
    assert len(bf.Cache(tmp_path).info()) == 1


def test_without_an_account_a_name_says_how_to_connect():
    with pytest.raises(bf.SourceError, match="'Spring'.*BRAZE_REST_ENDPOINT"):
        bf.read_braze_series("Spring")
