"""Names as people say them."""

import pytest

import braze_frames as bf
from braze_frames.schema.channels import CHANNELS, STATS
from braze_frames.schema.words import channel_name, meant_by, metric_name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("email", "Email"),
        ("ios_push", "iOS push"),
        ("in_app_message", "In-app message"),
        ("kakao_talk", "KakaoTalk"),
        ("line", "LINE"),
        ("new_channel", "New channel"),
        ("Odd <b>key</b>", "Odd <b>key</b>"),
        ("", ""),
    ],
)
def test_channels_are_called_as_people_call_them(key, name):
    assert channel_name(key) == name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("conversion_rate_by_send_time", "Conversion rate (by send time)"),
        ("conversions2_by_send_time", "Conversions C (by send time)"),
        ("click_to_open_rate", "Click-to-open rate"),
        ("unique_open_rate", "Unique open rate"),
        ("Sold per mail, %", "Sold per mail, %"),
    ],
)
def test_metrics_are_called_as_people_call_them(key, name):
    assert metric_name(key) == name


def test_no_two_names_are_the_same():
    metrics = {*bf.glossary()["metric"], *(stat.name for stat in STATS)}
    assert len({metric_name(name) for name in metrics}) == len(metrics)
    channels = {channel.name for channel in CHANNELS}
    assert len({channel_name(name) for name in channels}) == len(channels)


def test_what_people_mean_are_rates():
    said = ["CTR", "open rate", "cvr", "rpr", "Unsub rate", "deliverability"]
    meant = {name for text in said for name in meant_by(text)}
    assert meant <= {*bf.glossary()["metric"]}
    assert all(meant_by(text) for text in said)
