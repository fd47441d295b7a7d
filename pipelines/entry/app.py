"""The HTTP interface: `POST /check/DATASET`, `/codes/TABLE`, `/openapi.json`, `/health`.

Belongs here: requests and answers, and the log of both. Not here: what is checked (`checker`), who may ask (`access`). Nothing is
kept. The log has the department, the dataset, counts and the time taken: no body, no key, no token, and of an unknown address
nothing, for somebody may have put an id there. Errors are logged by their class alone: DuckDB's words quote values.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pipelines.entry import base
from pipelines.entry.access import Access, Department
from pipelines.entry.checker import Checker, Found
from pipelines.entry.problems import MEDIA_TYPE, Problem
from pipelines.entry.records import rows_of
from pipelines.entry.telling import Telling, unnamed

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

    from assets.project import Project

LOG = logging.getLogger("yuanqing.entry")
_TRUE, _FALSE = ("true", "1"), ("false", "0")


@dataclass(frozen=True)
class Asked:
    """What is asked for besides the check itself."""

    partial: bool = False
    ask_base: bool = False

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Asked:
        """From the query of an address. Raises `Problem`; names of parameters only, never their values."""
        told = {}
        for name in ("partial", "ask_base"):
            value = given.get(name, "false").lower()
            if value not in (*_TRUE, *_FALSE):
                raise Problem("bad-query", f"{name} 只能是 true 或 false。", f"{name} is true or false.")
            told[name] = value in _TRUE
        if set(given) - set(told):
            raise Problem("bad-query", "只有 partial 与 ask_base 两个参数。", "The parameters are partial and ask_base.")
        return cls(**told)


class Entry:
    """What answers: checkers by dataset, made once a day, and who may ask. For several threads."""

    def __init__(self, project: Project, access: Access | None = None) -> None:
        from assets.judging import codes_of

        self.project = project
        self.access = access or Access(project)
        self.codes = codes_of(project)
        self._tellings: dict[str, Telling] = {}
        self._making = threading.Lock()

    def datasets(self) -> list[str]:
        """Those that some department may check."""
        return sorted({d for department in self.access.departments for d in department.datasets})

    def telling(self, dataset: str) -> Telling:
        """The dataset's checker with its words; made anew on a new day. Raises as `Checker` does."""
        told = self._tellings.get(dataset)
        if told is None or told.checker.day != date.today():
            with self._making:
                told = self._tellings.get(dataset)
                if told is None or told.checker.day != date.today():
                    if told is not None:
                        told.checker.close()
                    told = self._tellings[dataset] = Telling(Checker(self.project, self.project.contracts[dataset]))
        return told

    def warm(self) -> Iterator[str]:
        """Make every checker, one at a time, each named before: wrong declarations are told now, and nobody waits later."""
        for dataset in self.datasets():
            yield dataset
            self.telling(dataset).checker.warm()

    def answer(self, department: Department, dataset: str, body: bytes, asked: Asked) -> dict[str, Any]:
        """The answer to one body. Raises `Problem`."""
        telling = self.telling(dataset)
        checker = telling.checker
        rows = rows_of(body, checker.columns, checker.contract, department.caller.max_records)
        left_out = unnamed(checker.contract, rows) if asked.partial else []
        found = checker.check(rows, left_out)
        told = telling.answer(rows, found, left_out)
        if asked.ask_base:
            self._ask_base(department, telling, found, told)
        return told

    def _ask_base(self, department: Department, telling: Telling, found: Found, told: dict[str, Any]) -> None:
        """Add what the base says to an answer; the rules that it answers are no longer among those not assessable."""
        questions = [q for c in telling.checker.cannot if (q := base.question_of(telling.contract, c))]
        told["base"] = []
        if not department.caller.may_ask_base:
            why = {"zh": "此令牌不得问库", "en": "this token may not ask the base"}
            replies = []
        else:
            why, replies = None, base.ask(self.project, questions, found)
        said = {r.question.rule: r for r in replies}
        kept = []
        for missing in told["not_assessable"]:
            reply = said.get(missing["rule"])
            if reply is not None and reply.why is None:
                told["base"].append(base.told(reply))
                continue
            if reply is not None and reply.why:
                missing = missing | {"why": dict(zip(("zh", "en"), reply.why, strict=True))}
            elif why and any(q.rule == missing["rule"] for q in questions):
                missing = missing | {"why": why}
            kept.append(missing)
        told["not_assessable"] = kept

    def openapi(self, department: Department) -> dict[str, Any]:
        """The document for a department: its own datasets."""
        from pipelines.entry.schema import openapi

        return openapi((self.telling(d).checker for d in department.datasets), self.codes, version("yuanqing"))

    def close(self) -> None:
        for telling in self._tellings.values():
            telling.checker.close()


@dataclass
class _Told:
    """What the log says of one request."""

    department: str = "-"
    dataset: str = "-"
    records: int = 0
    wrong: int = 0


def make_app(entry: Entry) -> FastAPI:
    """The application. Its pages of documentation are off: they would load scripts from elsewhere."""
    from contextlib import asynccontextmanager

    from fastapi import FastAPI, Response

    pool = ThreadPoolExecutor(entry.project.settings.serve.workers, thread_name_prefix="entry")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        yield
        pool.shutdown(cancel_futures=True)
        entry.close()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)

    async def asleep(work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    async def answered(request: Request, told: _Told, work: Callable[[], Any]) -> Response:
        """The answer that `work` gives, or the problem that it meets, and a line in the log."""
        begun = time.perf_counter()
        headers: Mapping[str, str] = {}
        try:
            content, status, media = json.dumps(await work(), ensure_ascii=False).encode(), 200, "application/json"
        except Problem as problem:
            content, status, media = json.dumps(problem.as_json(), ensure_ascii=False).encode(), problem.status, MEDIA_TYPE
            headers = problem.headers
        except Exception as error:
            LOG.error("failed: %s on %s", type(error).__name__, told.dataset)
            failed = Problem("failed", "检查未能完成，请告知数据局。", "The check could not be made. Tell the data bureau.")
            content, status, media = json.dumps(failed.as_json(), ensure_ascii=False).encode(), failed.status, MEDIA_TYPE
        taken = (time.perf_counter() - begun) * 1000
        LOG.info(
            "%s %s %s %d records=%d wrong=%d %.1f ms",
            request.method,
            told.department,
            told.dataset,
            status,
            told.records,
            told.wrong,
            taken,
        )
        return Response(content, status, {"Cache-Control": "no-store", **headers}, media)

    async def check(request: Request) -> Response:
        told, dataset = _Told(), request.path_params["dataset"]

        async def work() -> dict[str, Any]:
            department = entry.access.department(request.headers.get("authorization"))
            told.department = department.name
            told.dataset = entry.access.contract(department, dataset).name
            entry.access.count(department)
            asked = Asked.of(request.query_params)
            body = await _body(request, department.caller.max_bytes)
            answer: dict[str, Any] = await asleep(partial(entry.answer, department, dataset, body, asked))
            told.records, told.wrong = len(answer["records"]), sum(not r["ok"] for r in answer["records"])
            return answer

        return await answered(request, told, work)

    async def document(request: Request) -> Response:
        told = _Told()

        async def work() -> dict[str, Any]:
            department = entry.access.department(request.headers.get("authorization"))
            told.department = department.name
            entry.access.count(department)
            return await asleep(partial(entry.openapi, department))

        return await answered(request, told, work)

    async def codes(request: Request) -> Response:
        told, table = _Told(), request.path_params["table"]

        async def work() -> dict[str, Any]:
            department = entry.access.department(request.headers.get("authorization"))
            told.department = department.name
            entry.access.count(department)
            used = {c.codes for contract in department.datasets.values() for c in contract.columns if c.codes}
            if table not in used:
                zh, en = "本部门的数据集不用此代码表。", "None of your datasets uses such a code table."
                raise Problem("not-found", zh, en)
            return {"table": table, "codes": dict(entry.codes.get(table).codes)}

        return await answered(request, told, work)

    async def health(_: Request) -> Response:
        return Response(b'{"status": "ok"}', media_type="application/json")

    async def elsewhere(request: Request, error: Any) -> Response:
        async def work() -> Any:
            if error.status_code == 405:
                raise Problem("method", "检查用 POST，其余用 GET。", "POST to check, GET the rest.", headers=dict(error.headers or {}))
            raise Problem(
                "not-found",
                "可用的地址：/check/数据集、/codes/代码表、/openapi.json、/health。",
                "There is /check/DATASET, /codes/TABLE, /openapi.json and /health.",
            )

        return await answered(request, _Told(), work)

    # Plain routes: what a body should be is said by the contracts, not by models of the framework's.
    app.add_route("/check/{dataset}", check, methods=["POST"])
    app.add_route("/codes/{table}", codes, methods=["GET"])
    app.add_route("/openapi.json", document, methods=["GET"])
    app.add_route("/health", health, methods=["GET"])
    app.add_exception_handler(404, elsewhere)
    app.add_exception_handler(405, elsewhere)
    return app


async def _body(request: Request, most: int) -> bytes:
    """The body, not read further than `most` bytes. Raises `Problem`."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem("bad-type", "请用 Content-Type: application/json。", "Send Content-Type: application/json.")
    zh, en = f"最多 {most:,} 字节，请分次。", f"At most {most:,} bytes; send fewer records at once."
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise Problem("too-large", zh, en, headers={"Connection": "close"})
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise Problem("too-large", zh, en, headers={"Connection": "close"})
        parts.append(part)
    return b"".join(parts)
