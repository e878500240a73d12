"""What is no campaign's series is named as what it is, in few words."""

import bz2
import gzip
import io
import lzma
import zipfile

import pytest

import braze_frames as bf

from ..payloads import ID, as_bytes, day, email, entry, response

DAY = {"time": "2026-05-01"}
OTHERS = {
    "/kpi/dau": response(DAY | {"dau": 1}),
    "/kpi/mau": response(DAY | {"mau": 1}),
    "/kpi/new_users": response(DAY | {"new_users": 1}),
    "/kpi/uninstalls": response(DAY | {"uninstalls": 1}),
    "/segments": response(DAY | {"size": 1}),
    "/events": response(DAY | {"count": 1}),
    "/sessions": response(DAY | {"sessions": 1}),
    "/purchases/quantity": response(DAY | {"purchase_quantity": 1}),
    "/purchases/revenue": response(DAY | {"revenue": 1.5}),
    "/feed": response(DAY | {"clicks": 1, "impressions": 2, "unique_clicks": 1}),
    "/canvas/data_series": {
        "data": {"name": "W", "stats": [DAY]},
        "message": "success",
    },
    "/canvas/data_summary": {"data": {"name": "W", "total_stats": {}}},
    "/campaigns/list": {"message": "success", "campaigns": [{"id": ID, "name": "A"}]},
    "/campaigns/details": {"name": "A", "messages": {}, "conversion_behaviors": []},
    "/canvas/list": {"canvases": []},
}


@pytest.mark.parametrize("path", OTHERS)
def test_answers_of_other_endpoints_are_named(path, tmp_path):
    answer = OTHERS[path]
    file = tmp_path / "answer.json"
    file.write_bytes(as_bytes(answer))
    for source in (answer, [answer], file, {"Spring": answer}):
        with pytest.raises(bf.BrazeError, match=path):
            bf.read_braze_series(source)


@pytest.mark.parametrize("key", ["canvas_id", "variant_stats", "step_stats"])
def test_rows_of_canvases_are_named(key):
    rows = [DAY | {key: "a", "n": 1}, DAY | {key: "b", "n": 1}]
    with pytest.raises(bf.PayloadError, match=f"`{key}`.*/canvas/data_series"):
        bf.read_braze_series(rows)


def test_days_without_messages_and_totals_are_no_series():
    with pytest.raises(bf.PayloadError, match=r"no `messages`.*'widgets'"):
        bf.read_braze_series(response(DAY | {"widgets": 3}))


def test_an_hourly_series_is_named():
    hours = [day(f"2026-05-01T0{n}:00:00Z", conversions=n) for n in range(3)]
    rows = [one | {"campaign_id": ID} for one in hours]
    for source in (response(*hours), [response(*hours)]):
        with pytest.raises(bf.PayloadError, match="hourly"):
            bf.read_braze_series(source)
    with pytest.raises(bf.PullError, match="hourly"):
        bf.read_braze_series(rows)


def test_campaigns_without_messages_are_named_in_one_warning():
    draft, sent = response(day("2026-05-01")), email(entry("A", sent=1))
    with pytest.warns(bf.PayloadWarning, match="without a row: Draft, Idle") as caught:
        frame = bf.read_braze_series({"Draft": draft, "Sent": sent, "Idle": draft})
    assert len(caught) == 1
    assert frame.braze.campaigns == ["Sent"]
    assert set(frame.attrs["braze"]["campaigns"]) == {"Draft", "Sent", "Idle"}
    with pytest.warns(bf.PayloadWarning, match="without a row"):
        assert len(bf.read_braze_series(draft)) == 0
    rows = [DAY | {"campaign_id": ID, "messages": None}]
    with pytest.warns(bf.PayloadWarning, match=f"without a row: {ID}"):
        assert len(bf.read_braze_series(rows)) == 0


def test_an_answer_with_errors_and_no_days_shows_them():
    answer = {"message": "partial", "errors": ["the campaign is gone"]}
    with pytest.raises(bf.PayloadError, match="the campaign is gone"):
        bf.read_braze_series(answer)


GOOD = as_bytes(email(entry("A", sent=1)))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_texts_with_a_mark_are_decoded(encoding, tmp_path):
    body = GOOD.decode().encode(encoding)
    path = tmp_path / "answer.json"
    path.write_bytes(body)
    for source in (path, io.BytesIO(body), body):
        assert bf.read_braze_series(source)["sent"].tolist() == [1]


def test_text_that_is_no_utf_8_is_named(tmp_path):
    path = tmp_path / "answer.json"
    path.write_bytes(as_bytes(email(entry("Größe"))).decode().encode("latin-1"))
    with pytest.raises(bf.PayloadError, match=r"answer\.json.*Latin-1"):
        bf.read_braze_series(path)


def zipped():
    """A zip archive."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("answer.json", GOOD)
    return body.getvalue()


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("a.zip", zipped(), "zip archive"),
        ("a.xlsx", zipped(), "Excel workbook"),
        ("a.json.xz", lzma.compress(GOOD), "xz"),
        ("a.json.bz2", bz2.compress(GOOD), "bzip2"),
        ("a.csv", b"Date,Sends\n2026-05-01,3\n", "exports of the dashboard"),
        ("a.json.gz", gzip.compress(GOOD, mtime=0)[:-9] + b"x" * 9, "gzip"),
        ("a.json.gz", gzip.compress(GOOD, mtime=0)[:20] + b"\xff" * 30, "gzip"),
    ],
)
def test_files_of_other_kinds_are_named_with_what_to_do(tmp_path, name, body, words):
    path = tmp_path / name
    path.write_bytes(body)
    for source in (path, str(path)):
        with pytest.raises(bf.PayloadError, match=words) as caught:
            bf.read_braze_series(source)
        assert name in str(caught.value)


def test_a_folder_says_what_to_pass(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    with pytest.raises(bf.SourceError, match=r"folder.*\*\.jsonl"):
        bf.read_braze_series(tmp_path)


def closed():
    """A handle that was closed."""
    handle = io.BytesIO(GOOD)
    handle.close()
    return handle


class Gives:
    """A handle that gives what it is told to."""

    def __init__(self, body):
        self.read = lambda: body


def test_handles_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(bf.SourceError, match="open it again"):
        bf.read_braze_series(closed())
    with pytest.raises(bf.SourceError, match="None instead of text"):
        bf.read_braze_series(Gives(None))
    written = (tmp_path / "a.json").open("w")
    with written, pytest.raises(bf.SourceError, match=r"a\.json.*reading"):
        bf.read_braze_series(written)
    for body in (memoryview(GOOD), bytearray(GOOD), GOOD.decode()):
        assert bf.read_braze_series(Gives(body))["sent"].tolist() == [1]
    twice = io.BytesIO(GOOD)
    bf.read_braze_series(twice)
    with pytest.raises(bf.PayloadError, match=r"seek\(0\)"):
        bf.read_braze_series(twice)


def test_a_file_whose_name_begins_with_a_tilde_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~nobody.json").write_bytes(GOOD)
    assert bf.read_braze_series("~nobody.json")["sent"].tolist() == [1]
    assert bf.read_braze_series("*.json").braze.campaigns == ["~nobody"]
    with pytest.raises(bf.SourceError, match="no-such-user"):
        bf.read_braze_series("~no-such-user/a.json")


LONG = "x" * 5000


@pytest.mark.parametrize(
    "source",
    [
        *(LONG, f"{LONG}.json", f"/{LONG}", f'{{"{LONG}": 1}}', f"[{LONG}"),
        *([LONG], {LONG: 1}, {LONG: {"data": 3}}, {"data": LONG}, [{LONG: LONG}]),
        *({"message": LONG}, {"errors": [LONG]}, {"data": [{"time": LONG}]}),
        response(day(messages={LONG: 3})),
        response(day(messages={"email": [{LONG: "x", "sent": "x"}]})),
        response(day(messages={"email": [{"sent": LONG}]})),
        response({"time": "2026-05-01", LONG: 1}),
        [DAY | {"campaign_id": LONG, "messages": LONG}],
        [DAY | {"a": LONG}, DAY | {"a": f"{LONG}y"}],
        [DAY | {"campaign_id": LONG, "id": f"{ID}"}],
        *(LONG.encode(), io.BytesIO(LONG.encode()), io.StringIO(f"time,{LONG}\n1")),
        *({"data": {"a": 10**5000}}, {"data": 10**5000}),
    ],
)
def test_no_message_quotes_much_of_the_input(source):
    with pytest.raises(bf.BrazeError) as caught:
        bf.read_braze_series(source)
    assert "x" * 200 not in str(caught.value)
    assert len(str(caught.value)) < 1200


def test_a_tree_that_is_too_deep_or_has_odd_keys_is_refused():
    deep = 1
    for _ in range(3000):
        deep = {"a": deep}
    for source in ({"data": deep}, response(day(messages=deep)), {"data": [{1: 2}]}):
        with pytest.raises(bf.BrazeError):
            bf.read_braze_series(source)


def test_a_client_that_is_none_says_what_to_pass():
    with pytest.raises(TypeError, match=r'bf\.connect\("sandbox"\)'):
        bf.read_braze_series(ID, client="sandbox")
