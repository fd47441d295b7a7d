"""Who may ask what, and how often: departments by their tokens, their datasets, their limits.

Belongs here: finding the department of a token, what it may see, counting its requests. Not here: HTTP (`app`), where tokens stand
(`assets.settings`, `assets.secrets`). A token is kept as its digest and stands in no message.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assets.secrets import secret
from assets.settings import Caller, SettingsError
from expectations.documents import near
from pipelines.entry.problems import Problem

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

SHORTEST = 20
"""Characters of a token: from fewer it could be guessed over the network."""
MINUTE = 60.0


@dataclass
class Department:
    """One that may ask: its settings, the digest of its token, its datasets by name, and when it asked within the last minute."""

    name: str
    caller: Caller
    digest: bytes = field(repr=False)
    datasets: Mapping[str, Contract] = field(repr=False)
    asked: deque[float] = field(default_factory=deque, repr=False)

    def count(self, now: float) -> None:
        """Note a request. Raises `Problem` with `Retry-After` where it is one too many."""
        while self.asked and self.asked[0] <= now - MINUTE:
            self.asked.popleft()
        if len(self.asked) >= self.caller.per_minute:
            wait = max(1, round(self.asked[0] + MINUTE - now + 0.5))
            zh, en = (
                f"每分钟最多 {self.caller.per_minute} 次，{wait} 秒后再试。",
                f"At most {self.caller.per_minute} a minute; try again in {wait} s.",
            )
            raise Problem("too-many", zh, en, headers={"Retry-After": str(wait)})
        self.asked.append(now)


class Access:
    """The departments that may ask. Raises `SettingsError` and `SecretError` for settings that let in nobody, or anybody."""

    def __init__(self, project: Project, clock: Callable[[], float] = time.monotonic) -> None:
        self._all = {c.name: c for c in project.sources()}
        self._now = project.contracts.now  # systems go on asking by the name that a dataset had
        self._clock = clock
        groups = sorted({c.group for c in self._all.values()})
        self.departments: list[Department] = []
        for name, caller in project.settings.serve.departments.items():
            if caller.token_from is None:
                continue
            place = f"serve.departments.{name}"
            today = project.departments.now(name)
            if today not in groups:
                raise SettingsError(f"{place}: 没有这个部门。 No such department. {near(name, groups)}")
            unknown = [d for d in caller.datasets if self._now(d) not in self._all]
            if unknown:
                raise SettingsError(f"{place}.datasets: 没有数据集 no dataset {unknown[0]!r}. {near(unknown[0], self._all)}")
            own = tuple(c.name for c in self._all.values() if c.group == today)
            token = secret(caller.token_from)
            if len(token) < SHORTEST:
                raise SettingsError(
                    f"{place}.token_from: 令牌太短。 The token has {len(token)} characters, expected {SHORTEST} or more."
                    " Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
                )
            digest = hashlib.sha256(token.encode()).digest()
            if any(hmac.compare_digest(d.digest, digest) for d in self.departments):
                raise SettingsError(f"{place}.token_from: 与另一部门的令牌相同。 Another department has the same token. Give each its own.")
            may = {d: self._all[d] for d in map(self._now, caller.datasets or own)}
            self.departments.append(Department(today, caller, digest, may))
        if not self.departments:
            raise SettingsError(
                "serve.departments: 没有部门可用。 Nobody may ask: no department has a token. In yuanqing.toml:"
                f' [serve.departments.{groups[0] if groups else "NAME"}] token_from = "env:ENTRY_TOKEN"'
            )

    def department(self, authorization: str | None) -> Department:
        """Whose token it is. Every token is compared, each in constant time. Raises `Problem`."""
        scheme, _, token = (authorization or "").partition(" ")
        digest = hashlib.sha256(token.strip().encode()).digest()
        found = None
        for department in self.departments:
            if hmac.compare_digest(department.digest, digest):
                found = department
        if found is None or scheme.lower() != "bearer":
            zh, en = "请在 Authorization 头中给出 Bearer 令牌。", "Give a valid token: Authorization: Bearer TOKEN."
            raise Problem("no-token", zh, en, headers={"WWW-Authenticate": 'Bearer realm="yuanqing"'})
        return found

    def contract(self, department: Department, dataset: str) -> Contract:
        """The dataset, if the department may check it. Raises `Problem`; names only what the department may see."""
        dataset = self._now(dataset)
        contract = department.datasets.get(dataset)
        if contract is not None:
            return contract
        if dataset in self._all:
            raise Problem("not-yours", f"{dataset} 不由本部门检查。", f"{dataset} is not among those that this token may check.")
        raise Problem("unknown-dataset", "没有这个名称的数据集。", f"No dataset of that name. {near(dataset, department.datasets)}")

    def count(self, department: Department) -> None:
        """See `Department.count`."""
        department.count(self._clock())
