"""Addresses and options of stores, before anything is asked."""

import sys
import traceback
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import braze_frames as bf
from braze_frames.storage.options import StorageOptions
from braze_frames.storage.store import Store

from ..stores import SECRET, shown

OPTIONS = {"aws_access_key_id": "made-up", "aws_secret_access_key": SECRET}


@pytest.fixture
def needs_obstore():
    """Skip where stores cannot be opened."""
    pytest.importorskip(
        "obstore", reason="obstore is missing: pip install 'braze-frames[cloud]'"
    )


def test_without_the_extra_its_name_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(ImportError, match=r"braze-frames\[cloud\]") as caught:
        bf.Cache("s3://team/braze", storage_options=OPTIONS)
    assert isinstance(caught.value, bf.ConfigError)


@pytest.mark.parametrize(
    ("where", "options", "said"),
    [
        ("s3://team/b", {"aws_secret_key": SECRET}, "nearest: .*aws_secret_access_key"),
        ("s3://team/b", {"regoin": "x"}, "no option 'regoin' .nearest: region"),
        ("s3://team/b", {"timeuot": 3}, "no option 'timeuot' .nearest: timeout"),
        ("gs://team/b", {"service_acount": SECRET}, "nearest: .*service_account"),
        ("az://team/b", {"acount_key": SECRET}, "nearest: .*account_key"),
        ("s3://team/b", {"timeout": SECRET}, "'timeout' is a number of seconds"),
        ("s3://team/b", {"timeout": float("inf")}, "'timeout' is a number of seconds"),
        ("s3://team/b", {"timeout": float("nan")}, "'timeout' is a number of seconds"),
        ("s3://team/b", {"read_timeout": 1e300}, "'read_timeout' is a number of"),
        ("s3://team/b", {"timeout": 10**400}, "'timeout' is a number of seconds"),
        ("s3://team/b", {"timeout": "1e300"}, "'timeout' is a number of seconds"),
        ("s3://team/b", {"region": 10**5000}, "refuses the address or storage_options"),
        ("s3://team/b", {"endpoint": "minio.example.com:9000"}, "write https://"),
        ("s3://team/b", {"endpoint": "ftp://example.com"}, "write https://"),
        ("s3://team/b", {"endpoint": " http://example.com"}, "write https://"),
        ("s3://team/b", {"endpoint": "https://"}, "write https://"),
        ("s3://team/b", {"endpoint": "http://[::1"}, "write https://"),
        ("s3://team/b", {"conditional_put": "disabled"}, "conditional_put must not be"),
        ("s3://team/b", {"endpoint": "http://10.0.0.1:9000"}, "in the open.*https"),
        ("s3://team/b", {"AWS_ENDPOINT_URL": "HTTP://minio/"}, "in the open.*https"),
        (
            "s3://team/b",
            {"allow_http": True, "endpoint": "http://minio"},
            "in the open",
        ),
        ("s3://team/b", {"secret_access_key": SECRET}, "'secret_access_key' is given"),
    ],
)
@pytest.mark.usefixtures("needs_obstore")
def test_what_a_store_does_not_take_is_refused_unseen(where, options, said):
    keys = OPTIONS if where.startswith("s3") else {}
    with pytest.raises(bf.ConfigError, match=said) as caught:
        bf.Cache(where, storage_options=keys | options)
    assert SECRET not in shown(caught.value)


@pytest.mark.parametrize(
    "where", [f"s3://key:{SECRET}@team/b", f"s3://team/b?token={SECRET}", "s3:///braze"]
)
def test_an_address_with_more_than_a_bucket_and_a_folder_is_not_repeated(where):
    with pytest.raises(bf.ConfigError, match="a bucket and a folder and") as caught:
        bf.Cache(where)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([SECRET], "it is a mapping, and no list"),
        ({3: SECRET}, "a name is a text, and no int"),
        ({"region": 3.5}, "'region' is a text, and no float"),
        ({"secret_access_key": SECRET.encode()}, "is a text, and no bytes"),
    ],
)
def test_options_of_a_wrong_kind_are_refused_by_name(options, said):
    with pytest.raises(TypeError, match=said) as caught:
        bf.Cache("s3://team/braze", storage_options=options)
    assert SECRET not in shown(caught.value)


@pytest.mark.parametrize("where", [None, "numbers", "file:///numbers"])
def test_options_of_a_store_are_none_of_a_folders(where):
    with pytest.raises(ValueError, match="leave them out"):
        bf.Cache(where, storage_options=OPTIONS)


def test_addresses_that_are_none_name_those_that_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="s3://, gs://, az://"):
        bf.Cache(f"https://user:{SECRET}@team/braze")
    with pytest.raises(ValueError, match="takes a slash away"):
        bf.Cache(tmp_path.relative_to(tmp_path) / "s3://team/braze")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("needs_obstore")
def test_what_the_environment_says_is_not_asked_in_the_open(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://10.0.0.1:9000")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    with pytest.raises(bf.ConfigError, match="in the open"):
        bf.Cache("s3://team/braze", storage_options=OPTIONS)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "minio.example.com:9000")
    with pytest.raises(bf.ConfigError, match="write https://"):
        bf.Cache("s3://team/braze", storage_options=OPTIONS)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_CONDITIONAL_PUT", "disabled")
    with pytest.raises(bf.ConfigError, match="conditional_put must not be"):
        bf.Cache("s3://team/braze", storage_options=OPTIONS)


@pytest.mark.parametrize(
    "five",
    [
        *(5, 5.0, np.int64(5), np.float32(5), Decimal(5), Fraction(5), "5"),
        *(timedelta(seconds=5), np.timedelta64(5, "s"), pd.Timedelta("5s")),
    ],
)
def test_a_duration_is_a_number_of_any_kind(five):
    options = StorageOptions({"timeout": five, "http2_keep_alive_interval": five})
    options.check("s3")
    client = options.sorted_for("s3").client
    assert client["timeout"] == timedelta(seconds=5)
    assert client["http2_keep_alive_interval"] == timedelta(seconds=5)


def test_a_cache_that_was_not_opened_can_be_shown():
    with pytest.raises(bf.ConfigError) as caught:
        bf.Cache("s3://team/braze", storage_options=OPTIONS | {"timeout": -1})
    shown = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    text = "".join(shown.format())
    assert "Cache('…')" in text
    assert "timeout" in text


def test_options_are_sorted_for_the_store_and_its_client():
    given = {
        "AWS_REGION": "eu-west-1",
        "skip_signature": True,
        "session_token": None,
        "timeout": 5,
        "endpoint": "http://localhost:9000",
    }
    found = StorageOptions(OPTIONS | given).sorted_for("s3")
    assert found.client.keys() == {"timeout", "allow_http"}
    assert found.client["timeout"].total_seconds() == 5
    assert found.client["allow_http"] is True
    assert found.config["skip_signature"] == "true"
    assert found.config["region"] == "eu-west-1"
    assert "session_token" not in found.config
    assert StorageOptions(OPTIONS).sorted_for("s3").client == {"allow_http": False}


@pytest.mark.parametrize(
    ("where", "options"),
    [
        ("s3://team/braze/", {"region": "eu-west-1"}),
        ("S3://team", {}),
        ("gs://team/braze", {"skip_signature": True}),
        ("az://team/braze", {"account_name": "team", "account_key": "bWFkZSB1cA=="}),
    ],
)
@pytest.mark.usefixtures("needs_obstore")
def test_stores_of_all_clouds_are_opened_by_their_address(where, options):
    cache = bf.Cache(where, storage_options=options)
    assert cache.path == where.replace("S3", "s3").rstrip("/")
    assert repr(cache) == f"Cache({cache.path!r})"


@pytest.mark.usefixtures("needs_obstore")
def test_where_obstore_breaks_down_is_one_clear_error(capfd):
    from obstore.store import from_url

    # Rust panics at the first request, for the address has no scheme.
    told = {"endpoint": "minio.example.com:9000", "region": "eu-west-1"}
    store = Store(from_url("s3://team/b", config=OPTIONS | told), "s3://team/b")
    with pytest.raises(bf.CacheError, match="obstore broke down") as caught:
        store.listed("")
    assert SECRET not in shown(caught.value)
    assert SECRET not in "".join(capfd.readouterr())
