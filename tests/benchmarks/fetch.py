"""400 windows from a server that takes 50 ms for each, 8 threads: fetch and parse.

Run ``python tests/benchmarks/fetch.py``. The ideal is 400 * 50 ms / 8; the server runs
in a process of its own and answers with bodies of 200 kB.
"""

import multiprocessing
import statistics
import time
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import responses

import braze_frames as bf

CAMPAIGNS = 100
WINDOWS = 4
THREADS = 8
LATENCY = 0.05
ROUNDS = 5
START = date(2025, 1, 1)


class Handler(BaseHTTPRequestHandler):
    """Answers each window from memory, late."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    bodies: dict[str, bytes] = {}  # noqa: RUF012

    def do_GET(self):
        time.sleep(LATENCY)
        query = parse_qs(urlsplit(self.path).query)
        body = self.bodies[query["ending_at"][0][:10]]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Stay silent."""


def serve(pipe):
    """Serve for ever; tell the port."""
    for n in range(WINDOWS):
        start = START + timedelta(days=100 * n)
        last = str(start + timedelta(days=99))
        Handler.bodies[last] = responses.response(n, start=start, variations=4)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.request_queue_size = 64
    pipe.send((server.server_port, sum(map(len, Handler.bodies.values())) / WINDOWS))
    server.serve_forever()


def main():
    """Print the ratio of the median to the ideal."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    process.start()
    port, size = here.recv()
    ids = [f"{n:08d}-8fa1-4c9b-a46e-48a8b1d9b5f1" for n in range(CAMPAIGNS)]
    asked = {"start": START, "end": START + timedelta(days=100 * WINDOWS - 1)}
    times = []
    with bf.BrazeClient(f"http://127.0.0.1:{port}", "key", max_workers=THREADS) as one:
        for _ in range(ROUNDS + 1):
            before = time.perf_counter()
            frame = bf.read_braze_series(ids, client=one, progress=False, **asked)
            times.append(time.perf_counter() - before)
    process.terminate()
    ideal = CAMPAIGNS * WINDOWS * LATENCY / THREADS
    ratio = statistics.median(times[1:]) / ideal
    print(f"400 windows of {size / 1e3:.0f} kB, {len(frame)} rows: {ratio:.2f} x ideal")


if __name__ == "__main__":
    main()
