"""The glossary: every rate by channel, found by name or by what people call it."""

import pytest

import braze_frames as bf
from braze_frames.schema.channels import CHANNELS


def test_the_glossary_has_a_row_a_metric_and_channel():
    table = bf.glossary()
    assert not table.duplicated(["metric", "channel"]).any()
    channels = {channel.name for channel in CHANNELS}
    assert {*table["channel"]} == channels | {"", "*"}
    assert {*table["better"]} == {"up", "down"}
    assert table["source"].str.len().min() > 0


@pytest.mark.parametrize("same", ["better", "same_day"])
def test_channels_agree_on_what_is_better_and_on_the_day(same):
    assert (bf.glossary().groupby("metric")[same].nunique() == 1).all()


@pytest.mark.parametrize(
    "metric",
    ["bounce_rate", "unsubscribe_rate", "spam_rate", "opt_out_rate", "error_rate"],
)
def test_less_is_better_of_what_no_one_wants(metric):
    table = bf.glossary().drop_duplicates("metric").set_index("metric")["better"]
    assert table[metric] == "down"
    assert table["unique_open_rate"] == table["revenue_per_recipient"] == "up"


def test_a_search_gives_a_row_a_metric():
    found = bf.glossary("open")
    assert found["metric"].is_unique
    assert {"unique_open_rate", "total_open_rate"} <= {*found["metric"]}
    assert found["metric"].str.contains("open").all()
    assert list(found) == list(bf.glossary())


def test_where_channels_differ_their_definitions_stand_in_one_order():
    row = bf.glossary("total open rate").iloc[0]
    cells = [row[name].split(" | ") for name in ("channel", "numerator", "denominator")]
    by_channel = dict(zip(cells[0], zip(*cells[1:], strict=True), strict=True))
    assert by_channel["email"] == ("opens", "delivered")
    pushes = next(names for names in by_channel if "web_push" in names)
    assert by_channel[pushes] == ("total_opens", "sent - bounces")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("CTR", "unique_click_rate"),
        ("Open Rate", "unique_open_rate"),
        ("cvr", "conversion_rate"),
        ("UNIQUE_OPEN_RATE", "unique_open_rate"),
        ("Opt-out", "opt_out_rate"),
    ],
)
def test_a_search_knows_what_people_call_it(said, meant):
    assert meant in {*bf.glossary(said)["metric"]}


def test_a_search_without_an_answer_names_what_is_near():
    with pytest.raises(ValueError, match="'unsubscripe_rate'.*unsubscribe_rate"):
        bf.glossary("unsubscripe_rate")
    with pytest.raises(TypeError, match="search=5 is no text"):
        bf.glossary(5)


def test_sources_say_what_is_our_own():
    table = bf.glossary().set_index(["metric", "channel"])["source"]
    assert table["conversion_rate", "in_app_message"].startswith("our own")
    assert "metrics_glossary" in table["conversion_rate", "banner"]
    assert "campaign_analytics" in table["delivery_rate", "email"]
