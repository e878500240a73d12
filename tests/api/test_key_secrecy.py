"""The key shows nowhere: objects, errors, logs, files, and a real kernel's output."""

import copy
import json
import logging
import pickle
import traceback
from threading import Event, Thread

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

import braze_frames as bf

from ..servers import answer, serve

ID = "3bbc4555-8fa1-4c9b-a46e-48a8b1d9b5f1"
KEY = "made-up-5f1c2e77-never-shown"

VERBOSE = """
%xmode Verbose
import braze_frames as bf
"""


def shown(error):
    """Return all that a traceback and its chain can show."""
    chain = [error, error.__cause__, error.__context__]
    text = "".join(traceback.format_exception(error))
    return text + "".join(
        repr(one) + repr(getattr(one, "__dict__", "")) for one in chain
    )


def test_the_client_and_what_it_holds_show_no_key():
    with serve(answer()) as (_, url), bf.BrazeClient(url, KEY) as client:
        client.series(ID, 1)
        seen = [repr(client), str(client), f"{client}", repr(vars(client))]
    assert KEY not in "".join(seen)


def test_a_client_and_its_key_are_not_pickled_or_copied():
    client = bf.connect("US-05", KEY)
    for attempt in (pickle.dumps, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError) as caught:
            attempt(client)
        assert KEY not in shown(caught.value)


@pytest.mark.parametrize(
    ("key", "cause"),
    [
        (f"{KEY}\n", "line break"),
        (f" {KEY}", "blank"),
        (f'"{KEY}"', "quotes"),
        (f"{KEY[:9]} {KEY[9:]}", "blank"),
        (f"{KEY[:9]}\r\n{KEY[9:]}", "line break"),
        (f"{KEY}é", "character"),
        ("", "BRAZE_API_KEY"),
        (None, "BRAZE_API_KEY"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused_unseen(key, cause):
    with pytest.raises(bf.ConfigError, match=cause) as caught:
        bf.connect("US-05", key)
    assert KEY[:9] not in shown(caught.value)


def test_errors_and_logs_at_the_finest_level_show_no_key(caplog):
    caplog.set_level(logging.DEBUG)
    echoed = answer(401, {"message": f"Invalid API key: {KEY}"})
    answers = [echoed, answer(500), answer(cut=True), answer(body=b"<html>")]
    for bad in answers:
        with serve(bad) as (_, url), bf.BrazeClient(url, KEY, retries=1) as client:
            with pytest.raises(bf.BrazeError) as caught:
                client.series(ID, 1)
            assert KEY not in shown(caught.value)
    with serve(answer()) as (_, url):
        pass
    with bf.BrazeClient(url, KEY, retries=1) as client:
        with pytest.raises(bf.PullError) as caught:
            bf.read_braze_series([ID], length=1, client=client)
    assert KEY not in shown(caught.value)
    assert caplog.text
    assert KEY not in caplog.text


ESCAPED = KEY.replace("-", "\\u002d").replace("s", "\\u0073")


@pytest.mark.parametrize("key", [KEY, ESCAPED, KEY.replace("m", "\\u006D")])
@pytest.mark.parametrize(
    "body",
    [
        '{"message": "no data for KEY"}',
        '{"message": "KEY", "data": [], "errors": ["KEY is old"]}',
        '{"data": [{"time": "KEY"}], "errors": {"KEY": "KEY"}}',
        '{"data": [{"time": "2026-06-30", "messages": {"KEY": 5}}]}',
        '{"data": KEY',
        "KEY",
    ],
)
def test_a_key_that_a_good_answer_echoes_is_masked(body, key, recwarn):
    echoed = answer(body=body.replace("KEY", key).encode())
    with serve(echoed) as (_, url), bf.BrazeClient(url, KEY) as client:
        told = [tell(client.series, ID, 1), tell(client.details, ID)]
        told += [tell(client.campaigns)]
        for source in (ID, [ID]):
            told.append(
                tell(
                    bf.read_braze_series,
                    source,
                    client=client,
                    end="2026-06-30",
                    length=1,
                )
            )
    told += [str(one.message) for one in recwarn]
    assert KEY not in "".join(told)


def test_a_key_that_is_echoed_in_utf_16_is_masked():
    echoed = {"message": "ü", "data": [], "errors": [KEY]}
    body = json.dumps(echoed, ensure_ascii=False).encode("utf-16")
    with serve(answer(body=body)) as (_, url), bf.BrazeClient(url, KEY) as client:
        with pytest.warns(bf.PayloadWarning, match=r"errors: \*\*\*") as caught:
            assert client.series(ID, 1)["message"] == "ü"
    assert KEY not in str(caught[0].message)


@pytest.mark.parametrize("key", ['a/b"c\\d-e', "made.up+key[1]"])
def test_a_key_with_signs_that_json_escapes_is_masked(key):
    for text in (json.dumps(key)[1:-1], json.dumps(key)[1:-1].replace("/", "\\/")):
        body = f'{{"data": [], "message": "\\\\{text}\\\\", "errors": 1}}'.encode()
        with serve(answer(body=body)) as (_, url), bf.BrazeClient(url, key) as client:
            with pytest.warns(bf.PayloadWarning):
                assert "***" in client.series(ID, 1)["message"]


def tell(call, *args, **options):
    """Call, and return all that an error shows."""
    try:
        call(*args, **options)
    except bf.BrazeError as error:
        return shown(error)
    return ""


@pytest.mark.parametrize(
    "headers",
    [{"Location": f"https://{KEY}.example.com/{KEY}"}, {"Retry-After": KEY}],
)
def test_a_key_that_headers_echo_is_masked(headers):
    with serve(answer(302, headers=headers)) as (_, url):
        with bf.BrazeClient(url, KEY) as client:
            assert KEY not in tell(client.series, ID, 1)


@pytest.mark.parametrize(
    ("endpoint", "key"),
    [
        (KEY, "US-05"),
        (KEY, "https://rest.iad-05.braze.com"),
        (KEY, "sandbox"),
        (KEY, None),
        (f"{KEY}.a.b", "rest.iad-05.braze.com"),
        (f"https://{KEY}@rest.iad-05.braze.com", KEY),
        (f"https://rest.iad-05.braze.com/{KEY}", KEY),
        (f"https://{KEY}.braze.com", KEY),
        (f"https://rest.iad-05.braze.com/?key={KEY}", KEY),
        (f"{KEY}://host.example.com", KEY),
        (f"https://{KEY.upper()}.example.com", KEY),
    ],
)
def test_a_key_in_the_endpoints_place_is_told_by_its_length(endpoint, key):
    for connect in (bf.connect, bf.BrazeClient):
        with pytest.raises(bf.ConfigError) as caught:
            connect(endpoint, key)
        assert KEY.lower() not in shown(caught.value).lower()


def test_a_client_that_is_closed_between_two_tries_shows_no_key():
    asked, late, told = Event(), Event(), []

    def ask():
        with pytest.raises(bf.RequestError, match="closed") as caught:
            client.series(ID, 1)
        told.append(caught.value)

    with serve(answer(drop=True, wait=Noticed(asked, late))) as (_, url):
        with bf.BrazeClient(url, KEY) as client:
            thread = Thread(target=ask)
            thread.start()
            assert asked.wait(30)
            client.close()
            late.set()
            thread.join(30)
    (error,) = told
    assert error.__cause__ is None
    assert error.__context__ is None


class Noticed:
    """Tells that a request has come; lets it wait."""

    def __init__(self, asked, late):
        self.asked, self.late = asked, late

    def wait(self, seconds):
        self.asked.set()
        self.late.wait(seconds)


@pytest.fixture(scope="module")
def kernel():
    """Start a real kernel."""
    manager, client = start_new_kernel(kernel_name="python3")
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(kernel, code, until=None):
    """Run code; return all it puts out. With ``until`` interrupt it then."""
    manager, client = kernel
    told = []
    number = client.execute(code)
    if until is not None:
        assert until.wait(60)
        manager.interrupt_kernel()
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != number:
            continue
        told.append(json.dumps(message["content"]))
        if message["content"].get("execution_state") == "idle":
            return "\n".join(told)


def setting(url):
    """Return the code that puts an account into the kernel's environment."""
    return (
        f"import os, asyncio\nos.environ.update(BRAZE_API_KEY={KEY!r}, "
        f"BRAZE_REST_ENDPOINT={url!r})\n"
    )


@pytest.mark.parametrize(
    "call",
    [
        f"bf.connect(retries=0, timeout=0.2).series({ID!r}, 1)",
        f"bf.read_braze_series({ID!r}, length=1, "
        "client=bf.connect(retries=0, timeout=0.2))",
    ],
)
@pytest.mark.parametrize("fault", ["refused", "401", "echoed", "timeout"])
def test_verbose_tracebacks_in_a_kernel_show_no_key(kernel, call, fault):
    late = Event()
    faults = {
        "401": answer(401),
        "echoed": answer(401, {"message": f"Invalid API key: {KEY}"}),
        "timeout": answer(wait=late),
        "refused": answer(),
    }
    with serve(faults[fault]) as (_, url):
        if fault != "refused":
            told = run_verbose(kernel, url, call)
            late.set()
    if fault == "refused":
        told = run_verbose(kernel, url, call)
    assert "RequestError" in told or "AuthError" in told
    assert KEY not in told


def run_verbose(kernel, url, call):
    """Run a call that fails, and look at its traceback once more."""
    run(kernel, setting(url))
    return run(kernel, VERBOSE + call) + run(kernel, "%tb")


@pytest.mark.parametrize("wrong", [f"{KEY}\n", f"'{KEY}'", f"{KEY} {KEY}"])
def test_a_key_that_is_refused_is_in_no_verbose_traceback(kernel, wrong):
    code = f"import os\nos.environ.update(BRAZE_API_KEY={wrong!r})"
    run(kernel, code)
    told = run(kernel, VERBOSE + "bf.connect('US-05')")
    told += run(kernel, "bf.connect('US-05', os.environ['BRAZE_API_KEY'])")
    told += run(kernel, "bf.BrazeClient('US-05', os.environ['BRAZE_API_KEY'])")
    told += run(kernel, "bf.connect(os.environ['BRAZE_API_KEY'], 'US-05')")
    told += run(kernel, "bf.BrazeClient(os.environ['BRAZE_API_KEY'], 'US-05')")
    assert told.count("ConfigError") >= 5
    assert KEY not in told


@pytest.mark.parametrize(
    "call",
    [
        f"bf.connect().series({ID!r}, 1)",
        f"bf.read_braze_series([{ID!r}], length=1, progress=False)",
    ],
)
def test_an_interrupt_in_a_kernel_shows_no_key(kernel, call):
    asked, late = Event(), Event()
    with serve(answer(wait=Noticed(asked, late))) as (_, url):
        run(kernel, setting(url))
        told = run(kernel, VERBOSE + call, until=asked) + run(kernel, "%tb")
        late.set()
    assert "KeyboardInterrupt" in told
    assert KEY not in told


def test_an_interrupt_between_two_tries_shows_no_key(kernel):
    asked, go = Event(), Event()
    go.set()
    drop = answer(drop=True)
    with serve(drop, drop, answer(drop=True, wait=Noticed(asked, go))) as (_, url):
        run(kernel, setting(url))
        call = f"bf.connect().series({ID!r}, 1)"
        told = run(kernel, VERBOSE + call, until=asked) + run(kernel, "%tb")
    assert "KeyboardInterrupt" in told
    assert KEY not in told


def test_an_executed_notebook_holds_no_key(tmp_path):
    with bf.Sandbox() as sandbox:
        id_ = sandbox.campaigns["Welcome Email"]
        cells = [
            "import os, braze_frames as bf",
            "client = bf.connect()",
            "client",
            f"df = bf.read_braze_series({id_!r}, start='2026-06-01', end='2026-06-02')",
            "df.attrs, df.braze",
            "vars(client)",
            f"client.series('{ID}', 1)",
        ]
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells]
        )
        account = {"BRAZE_API_KEY": sandbox.api_key, "BRAZE_REST_ENDPOINT": sandbox.url}
        run_notebook(notebook, account)
        text = nbformat.writes(notebook)
        assert "Invalid Campaign ID" in text
        assert sandbox.api_key not in text


def run_notebook(notebook, environment):
    """Execute a notebook in a kernel with these variables."""
    import os

    before = dict(os.environ)
    os.environ.update(environment)
    try:
        NotebookClient(notebook, allow_errors=True, timeout=60).execute()
    finally:
        os.environ.clear()
        os.environ.update(before)
