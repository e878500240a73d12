"""An account whose numbers the test holds, behind a real server on loopback."""

import json
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import braze_frames as bf

from .servers import Server

SERIES = "/campaigns/data_series"
KEY = "made-up-key-of-a-world-5f1c2e77"


class World:
    """What the account says of each campaign and day, and what it was asked.

    ``days`` maps campaign id → day → the day's object without its ``time``; other days
    are empty. ``now`` is its clients' clock. ``details`` maps campaign id → the answer
    of campaign details; there is none of other campaigns.
    """

    def __init__(self, today):
        self.days, self.details = {}, {}
        self.now = datetime.combine(date.fromisoformat(today), time(12), UTC)
        self.asked = []

    def move_to(self, today):
        """Let another day be today, at noon."""
        self.now = datetime.combine(date.fromisoformat(today), time(12), UTC)

    def body(self, id_, length, last):
        """Return the status and the body of one answer."""
        return 200, json.dumps(self.answer(id_, length, last)).encode()

    def answer(self, id_, length, last):
        """Return one answer of the endpoint."""
        first = last - timedelta(days=length - 1)
        self.asked.append((id_, first, last))
        known = self.days.get(id_, {})
        days = [str(first + timedelta(days=n)) for n in range(length)]
        return {"data": [{"messages": {}, **known.get(d, {}), "time": d} for d in days]}


class Handler(BaseHTTPRequestHandler):
    """Answers from the world of its server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        if self.path.startswith("/campaigns/details"):
            answer = self.server.world.details.get(query["campaign_id"])
            self.reply(
                answer or {"message": "Invalid Campaign ID"}, 200 if answer else 400
            )
            return
        last = date.fromisoformat(query["ending_at"][:10])
        status, body = self.server.world.body(
            query["campaign_id"], int(query["length"]), last
        )
        self.send(body, status)

    def reply(self, answer, status):
        """Send an answer."""
        self.send(json.dumps(answer).encode(), status)

    def send(self, body, status):
        """Send a body."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Stay silent."""


def series_asked(sandbox):
    """Return the requests for series that a sandbox was asked."""
    return [request for request in sandbox.requests if request.path == SERIES]


@contextmanager
def inhabited(world, **options):
    """Serve a world; yields a client of it."""
    server = Server(("127.0.0.1", 0), Handler)
    server.world = world
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        with bf.BrazeClient(url, KEY, clock=lambda: world.now, **options) as client:
            yield client
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
