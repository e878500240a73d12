"""However a pull ends, it ends at once: no thread, no socket, nothing asked later."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from threading import Event, Semaphore, Thread

import pytest

import braze_frames as bf

from ..servers import answer, raw, serve, serve_raw

ID = "3bbc4555-8fa1-4c9b-a46e-48a8b1d9b5f1"
KEY = "made-up-key-1234"
GOOD = b'{"message": "success", "data": []}'
JOBS = [(ID, 1, "2026-06-30T23:59:59+00:00")] * 100
CLOSED = "the client was closed before the answer came"

PROGRAM = f"""
import sys, threading, braze_frames as bf
client = bf.BrazeClient(sys.argv[1], {KEY!r}, timeout=60)
try:
    with client.fetch_series({JOBS!r}) as answers:
        for _ in answers:
            print("came", flush=True)
            while sys.argv[2] == "busy":
                pass
except KeyboardInterrupt:
    names = [t.name for t in threading.enumerate() if "braze" in t.name]
    print(names, len(answers.came()), flush=True)
    raise
"""


def crew():
    """Return the names of the client's threads."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if "braze_frames" in name]


class Wire:
    """A server that answers, drips or is silent, and counts who went away."""

    def __init__(self, way, first=None):
        self.way, self.first = way, first
        self.asked, self.left = Semaphore(0), Semaphore(0)

    def wait_for(self, happened, times):
        """Wait until something has happened so often."""
        for _ in range(times):
            assert happened.acquire(timeout=30)

    def play(self, connection, number):
        self.asked.release()
        try:
            if self.way == "limit":
                connection.sendall(raw("429 Wait", b"", "Retry-After: 600"))
                return
            if self.first and number == 1:
                connection.sendall(self.first)
                return
            late = Event()
            while self.way == "drip" and not late.wait(0.02):
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n ")
            connection.recv(1)  # until the client goes away
        finally:
            self.left.release()


@pytest.mark.parametrize("way", ["limit", "drip", "silent"])
def test_an_interrupted_program_ends_at_once(way):
    wire = Wire(way)
    with serve_raw(wire.play) as (url, _):
        command = [sys.executable, "-c", PROGRAM, url, way]
        with subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as run:
            try:
                assert wire.asked.acquire(timeout=60)
                run.send_signal(signal.SIGINT)
                told, error = run.communicate(timeout=60)
            finally:
                run.kill()
    assert told.splitlines() == ["[] 0"]
    assert error.strip().endswith("KeyboardInterrupt")


def test_a_program_interrupted_while_it_parses_keeps_what_came():
    with serve(answer(body=GOOD)) as (script, url):
        command = [sys.executable, "-c", PROGRAM, url, "busy"]
        with subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as run:
            try:
                assert run.stdout.readline() == "came\n"
                run.send_signal(signal.SIGINT)
                told, error = run.communicate(timeout=60)
            finally:
                run.kill()
    assert error.strip().endswith("KeyboardInterrupt")
    names, count = told.strip().rsplit(" ", 1)
    assert names == "[]"
    assert 1 <= int(count) <= len(script.requests) <= 24  # 8 threads, each 3 ahead


def use_wrongly(client, wire):
    """Fail while four requests are under way."""
    with client.fetch_series(JOBS) as answers:
        next(answers)
        wire.wait_for(wire.asked, 5)
        raise ZeroDivisionError


@pytest.mark.parametrize("way", ["drip", "silent"])
def test_any_error_cuts_what_is_under_way(way):
    wire = Wire(way, first=raw())
    with serve_raw(wire.play) as (url, heads):
        client = bf.BrazeClient(url, KEY, max_workers=4, timeout=60)
        with pytest.raises(ZeroDivisionError):
            use_wrongly(client, wire)
        assert crew() == []
        wire.wait_for(wire.left, 5)
    assert len(heads) == 5


def test_answers_that_were_not_read_are_given_after_the_end():
    wire = Wire("silent", first=raw(body=GOOD))
    with serve_raw(wire.play) as (url, _), bf.BrazeClient(url, KEY) as client:
        answers = client.fetch_series(JOBS[:5])
        number, body = next(answers)
        answers.close()
        assert answers.came() == [(number, body)]
        assert list(answers) == []


def test_a_refused_key_ends_all_threads():
    with serve(answer(401)) as (script, url):
        client = bf.BrazeClient(url, KEY)
        with pytest.raises(bf.AuthError):
            list(client.fetch_series(JOBS))
        assert crew() == []
    assert len(script.requests) <= 24  # 8 threads, each 3 ahead


def test_a_pull_that_is_done_leaves_no_thread():
    before = threading.enumerate()
    with serve(answer(body=GOOD)) as (_, url), bf.BrazeClient(url, KEY) as client:
        assert len(list(client.fetch_series(JOBS))) == 100
        assert crew() == []
    others = [thread for thread in threading.enumerate() if thread not in before]
    for thread in others:  # the server's, which end once the client's have hung up
        thread.join(30)
    assert [thread for thread in others if thread.is_alive()] == []


def test_a_pull_that_is_forgotten_leaves_no_thread():
    with serve(answer(body=GOOD)) as (_, url), bf.BrazeClient(url, KEY) as client:
        answers = client.fetch_series(JOBS)
        next(answers)
        threads = answers._crew._threads
        del answers
        for thread in threads:
            thread.join(30)
        assert crew() == []


def ask_in_child(client, told):
    """Ask in a forked process, alone and side by side."""
    told.send([len(client.series(ID, 1)), len(list(client.fetch_series(JOBS)))])


@pytest.mark.skipif(
    not hasattr(os, "fork"), reason="no os.fork here; run on Linux or macOS"
)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_client_asks_on_after_a_fork():
    with serve(answer(body=GOOD)) as (script, url), bf.BrazeClient(url, KEY) as client:
        list(client.fetch_series(JOBS))
        here, there = multiprocessing.Pipe()
        child = multiprocessing.get_context("fork").Process(
            target=ask_in_child, args=(client, there)
        )
        child.start()
        try:
            assert here.poll(60)
            assert here.recv() == [2, 100]
            child.join(60)
        finally:
            child.kill()
        assert len(list(client.fetch_series(JOBS))) == 100
    assert len(script.requests) == 301


def test_a_closed_client_ends_what_other_threads_ask():
    wire, told = Wire("silent"), []

    def ask():
        with pytest.raises(bf.RequestError) as caught:
            client.series(ID, 1)
        told.append(str(caught.value))

    with serve_raw(wire.play) as (url, _):
        client = bf.BrazeClient(url, KEY, retries=0)
        threads = [Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        wire.wait_for(wire.asked, 4)
        client.close()
        for thread in threads:
            thread.join(30)
        wire.wait_for(wire.left, 4)
    assert told == [CLOSED] * 4
