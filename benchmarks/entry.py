"""`make bench-entry`: how long `yuanqing serve` takes over a record and over a thousand: alone, by a load, and by eight at once.

The load is as business systems make it: requests come by chance, so many a second on average, whether the ones before are answered or
not, and are timed from when they were due. Eight at once ask again as soon as they are answered: that tells how much can be asked,
and how long it takes where more cannot.

A real server in a process of its own, over loopback, on the resident register (the widest rules on people); beside it, in the same
way, an echo of the same framework that reads the same JSON and gives it back: what is left is ours. People are made, and impossible.
On a crowded machine look at the processor time a request, which others cannot lengthen.

Belongs here: figures, printed. Not here: a judgement of them.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

DATASET, DEPARTMENT = "population_register", "public_security"
SIZES, CLIENTS = (1, 1000), 8
RATES = {1: 80, 1000: 8}
"""By records a request, requests a second of the load: eight departments that each make as many as `serve` lets them (600 a minute),
or a tenth as many of a thousand records."""
CONNECTIONS = 16
"""So many requests of the load can be under way at once."""
ECHO = """\
import json, sys, uvicorn
from fastapi import FastAPI, Response

app = FastAPI(openapi_url=None)

async def echo(request):
    return Response(json.dumps(json.loads(await request.body()), ensure_ascii=False), media_type="application/json")

app.add_route("/check/{dataset}", echo, methods=["POST"])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
"""


@dataclass(frozen=True)
class Figure:
    """One way of asking: requests made, milliseconds of wall time by percentile, of the server's processor time a request."""

    server: str
    records: int
    asked: str
    requests: int
    p50: float
    p95: float
    p99: float
    per_second: float
    cpu: float


def people(count: int, seed: int = 20261126) -> list[dict[str, str]]:
    """Records of the register: people of a place that there is not, one in ten with a fault."""
    from expectations.identity import resident_check

    chance = random.Random(seed)
    made = []
    for n in range(count):
        year, month, day, man = chance.randint(1940, 2020), chance.randint(1, 12), chance.randint(1, 28), chance.randint(0, 1)
        body = f"219901{year}{month:02}{day:02}{n % 50:02}{2 * chance.randint(0, 4) + man}"
        record = {
            "GMSFHM": body + resident_check(body),
            "XM": chance.choice("王李张刘陈") + chance.choice("明丽强芳伟") + chance.choice("华英军兰杰"),
            "XBDM": "1" if man else "2",
            "MZDM": chance.choice(("01", "汉族", "05", "满族")),
            "CSRQ": f"{year}-{month:02}-{day:02}",
            "HH": f"2101030{n:05}",
            "YHZGXDM": "01",
            "HJDZ_SSXQDM": "210103",
            "HJDZ_QHNXXDZ": f"辽宁省沈阳市沈河区示例路{n}号",
            "SJJZDZ": f"辽宁省沈阳市沈河区示例路{n}号",
            "HYZKDM": "10",
            "WHCD": "20",
            "SWBS": "0",
            "PCSJGDM": "210103000000",
            "SJXGXSJ": "2026-01-02 08:00:00",
        }
        if chance.random() < 0.1:
            field, value = chance.choice(
                (("GMSFHM", body + "?"), ("XM", "暂无"), ("CSRQ", "1990-02-30"), ("MZDM", "火星族"), ("XM", "　王明 "))
            )
            record[field] = value
        made.append(record)
    return made


@contextmanager
def serving(command: list[str], port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a process of its own, once it answers."""
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until and running.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            raise SystemExit(f"no server came up: {' '.join(command)}")
        yield running
    finally:
        running.terminate()
        running.wait(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_of(process: subprocess.Popen[bytes]) -> float:
    """Seconds of processor time that a process has had (proc(5), stat)."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def asked(port: int, token: str, body: bytes, dues: Sequence[Iterator[float]]) -> list[float]:
    """Milliseconds of every request, from when it was due to its answer; `dues`: for each connection, seconds (`time.perf_counter`) at
    which its requests are due."""
    took: list[list[float]] = [[] for _ in dues]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def client(mine: list[float], due_at: Iterator[float]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for due in due_at:
            time.sleep(max(0.0, due - time.perf_counter()))
            connection.request("POST", f"/check/{DATASET}", body, headers)
            answer = connection.getresponse()
            content = answer.read()
            mine.append((time.perf_counter() - due) * 1000)
            if answer.status != 200:
                raise SystemExit(f"{answer.status}: {content[:300].decode()}")
        connection.close()

    threads = [threading.Thread(target=client, args=each) for each in zip(took, dues, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [t for mine in took for t in mine]


def at_once(clients: int, seconds: float) -> list[Iterator[float]]:
    """So many clients, each asking again once it has its answer."""
    until = time.perf_counter() + seconds
    return [_now(until) for _ in range(clients)]


def _now(until: float) -> Iterator[float]:
    while (now := time.perf_counter()) < until:
        yield now


def by_chance(rate: int, seconds: float, seed: int = 20261126) -> list[Iterator[float]]:
    """So many requests a second on average, independent of each other and of the answers; whichever connection is free takes the next."""
    chance, lock = random.Random(seed), threading.Lock()
    begun, at = time.perf_counter(), 0.0

    def connection() -> Iterator[float]:
        nonlocal at
        while True:
            with lock:
                at += chance.expovariate(rate)
                due = at
            if due > seconds:
                return
            yield begun + due

    return [connection() for _ in range(CONNECTIONS)]


def figures(name: str, process: subprocess.Popen[bytes], port: int, token: str, seconds: float) -> Iterator[Figure]:
    """Every size and way of asking against one server, after a few seconds to come up to speed."""
    made = people(max(SIZES))
    for size in SIZES:
        body = json.dumps(made[0] if size == 1 else made[:size], ensure_ascii=False).encode()
        ways: dict[str, Callable[[float], list[Iterator[float]]]] = {
            "alone": partial(at_once, 1),
            f"{RATES[size]} a second": partial(by_chance, RATES[size]),
            f"{CLIENTS} at once": partial(at_once, CLIENTS),
        }
        for way, dues in ways.items():
            asked(port, token, body, dues(seconds / 5))
            cpu, begun = cpu_of(process), time.perf_counter()
            took = asked(port, token, body, dues(seconds))
            wall, used = time.perf_counter() - begun, cpu_of(process) - cpu
            cuts = statistics.quantiles(took, n=100) if len(took) > 1 else took * 99
            yield Figure(name, size, way, len(took), cuts[49], cuts[94], cuts[98], len(took) / wall, used / len(took) * 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each way of asking is measured")
    parser.add_argument("--figures", type=Path, help="also write them to this JSON file")
    given = parser.parse_args()
    token = secrets.token_urlsafe(32)
    caller = {"token_from": "env:ENTRY_BENCH_TOKEN", "datasets": [DATASET], "per_minute": 10_000_000}
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as data:
        environment |= {"ENTRY_BENCH_TOKEN": token, "YUANQING_SERVE__DEPARTMENTS": json.dumps({DEPARTMENT: caller}), "YUANQING_DATA": data}
        for name, command in (("yuanqing", ["-m", "pipelines.cli", "serve", "--port"]), ("echo", ["-c", ECHO])):
            port = free_port()
            with serving([sys.executable, *command, str(port)], port, environment) as process:
                for figure in figures(name, process, port, token, given.seconds):
                    found.append(figure)
                    print(f"{name}: {figure.records} records, {figure.asked}: {figure.p50:.1f} ms", file=sys.stderr)
    show(found)
    if given.figures:
        given.figures.parent.mkdir(parents=True, exist_ok=True)
        given.figures.write_text(json.dumps([asdict(f) for f in found], indent=2) + "\n", encoding="utf-8")


def show(found: list[Figure]) -> None:
    """The figures as a table; `x echo`: how many times as long as the echo of the same body."""
    echo = {(f.records, f.asked): f for f in found if f.server == "echo"}
    made = Table(title=f"{DATASET}, ms a request; load average {os.getloadavg()[0]:.1f}", title_justify="left")
    for heading in ("server", "records", "asked", "requests", "p50", "p95", "p99", "a second", "cpu ms", "p50 x echo", "cpu x echo"):
        made.add_column(heading, justify="left" if heading == "server" else "right")
    for f in found:
        beside = echo[f.records, f.asked]
        ratios: list[Any] = [f"{f.p50 / beside.p50:.1f}", f"{f.cpu / beside.cpu:.1f}" if beside.cpu else "—"]
        cells = [f.records, f.asked, f.requests, f"{f.p50:.2f}", f"{f.p95:.2f}", f"{f.p99:.2f}", f"{f.per_second:.0f}", f"{f.cpu:.2f}"]
        made.add_row(f.server, *map(str, cells), *ratios)
    Console(width=140).print(made)


if __name__ == "__main__":
    main()
