"""Settings: how this installation works, from `yuanqing.toml` at the project's root and the environment, which wins.

One class a section; a variable is named by its path: `YUANQING_ISSUES__ESCALATE_AFTER=5`. A secret stands in neither: a setting of
the type `Reference` names the variable or file that holds it (`password_from = "env:MAIL_PASSWORD"`), and `assets.secrets.secret`
reads it. Belongs here: the sections, reading and checking them, where each value came from. Not here: where things lie
(`assets.project`), what a setting does.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from assets.secrets import FORMS, is_reference
from expectations.documents import near

FILE, PREFIX, BELOW = "yuanqing.toml", "YUANQING_", "__"
PLACES = ("ROOT", "DATA")
"""Variables that say where the project lies: they are no settings, since the file is found by them (`assets.project`)."""
ELSEWHERE = "CONNECTION_"
"""Variables of this beginning stand for sections of `connections.toml` (`assets.readers.options`)."""


class SettingsError(Exception):
    """A setting that cannot be used: which, what stands there, what was expected."""


def _reference(text: str) -> str:
    if not is_reference(text):
        raise PydanticCustomError("reference", "a secret is named by {forms}, and never written down", {"forms": FORMS})
    return text


def _amount(text: str) -> str:
    if not re.fullmatch(r"[0-9.]*[1-9][0-9.]* ?[KMGT]i?B", text, re.IGNORECASE):
        raise PydanticCustomError("amount", "no amount of memory; write one such as 2GB or 800MB")
    return text


def _address(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", text):
        raise PydanticCustomError("address", "no address; write one such as http://127.0.0.1:3001, without a user or password")
    return text.rstrip("/")


def _mailbox(text: str) -> str:
    from email.errors import HeaderParseError
    from email.headerregistry import Address as Mailbox

    try:
        plain = text.isascii() and text.isprintable() and text == Mailbox(addr_spec=text).addr_spec
    except (HeaderParseError, ValueError, IndexError):
        plain = False
    if not plain:
        raise PydanticCustomError("mailbox", "no mail address; write one such as clerk@example.org, in ASCII, without a name or line end")
    return text


def _webhook(text: str) -> str:
    if not is_reference(text):
        _address(text)
    return text


def _folder(text: str) -> str:
    if not Path(text).is_absolute() or not text.isprintable():
        raise PydanticCustomError("folder", "no absolute path; write one such as /srv/reports/civil_affairs")
    return text


Reference = Annotated[str, AfterValidator(_reference)]
"""Where a secret stands: `env:NAME` or `file:/path`."""
Amount = Annotated[str, AfterValidator(_amount)]
"""An amount of memory, such as 2GB."""
Address = Annotated[str, AfterValidator(_address)]
"""An http(s) address, without a slash at its end."""

Mailbox = Annotated[str, AfterValidator(_mailbox)]
"""A mail address that can do no harm in a header."""
Webhook = Annotated[str, AfterValidator(_webhook)]
"""An http(s) address, or the reference to one that holds a key."""
Folder = Annotated[str, AfterValidator(_folder)]
"""The absolute path of a folder, or of a file."""


class Section(BaseModel):
    """A section of the file; what it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Issues(Section):
    """Deadlines of issues, in Chinese working days from dispatch, by severity; and how long after them the next one is told."""

    critical_days: int = Field(default=5, ge=1)
    warning_days: int = Field(default=10, ge=1)
    info_days: int = Field(default=20, ge=1)
    escalate_after: int = Field(default=5, ge=1)


class Snapshots(Section):
    """How many days states of the lake are kept that nothing points to, before `yuanqing expire` takes them away."""

    keep_days: int = Field(default=400, ge=0)


class Department(Section):
    """What concerns one department, named by its folder: `workbook_password_from` says where the password of its workbook stands.

    Its reports go to a folder that is there, by mail and to a webhook, whose calls are signed with `webhook_secret_from`.
    """

    workbook_password_from: Reference | None = None
    deliver_to_folder: Folder | None = None
    mail_to: tuple[Mailbox, ...] = ()
    webhook: Webhook | None = None
    webhook_secret_from: Reference | None = None


class Mail(Section):
    """The mail server: `sender` is who mails come from. Port 465 is encrypted from the start, others by STARTTLS.

    `ca_file`: the certificate of the authority that vouches for the server, in PEM; by default those that the machine trusts.
    """

    host: str = ""
    port: int = Field(default=587, ge=1, le=65_535)
    sender: Mailbox | None = None
    starttls: bool = True
    ca_file: Folder | None = None
    user: str = ""
    password_from: Reference | None = None
    timeout: int = Field(default=30, ge=1, le=600)
    attach_up_to_mb: int = Field(default=10, ge=0)


class Deliver(Section):
    """Delivery of reports: `after_run`: at the end of `yuanqing run` too; a failure is tried again `tries` times in all, first after
    `wait_minutes`, then after twice as long each time."""

    after_run: bool = False
    tries: int = Field(default=6, ge=1, le=20)
    wait_minutes: int = Field(default=5, ge=0)


class Publication(Section):
    """`officers`: who may publish the league and the quarterly evaluation; where none are named, anybody who gives a name."""

    officers: tuple[str, ...] = ()


class Caller(Section):
    """A department whose system asks `yuanqing serve` before it saves a record, named by its folder.

    `token_from` says where its token stands (without one nobody is let in by that name), `datasets` what it may check, by default its
    own. `may_ask_base`: it may ask whether a value of its own is in the base already, and is told yes or no.
    """

    token_from: Reference | None = None
    datasets: tuple[str, ...] = ()
    may_ask_base: bool = False
    max_records: int = Field(default=1000, ge=1, le=10_000)
    max_bytes: int = Field(default=2_000_000, ge=1_000, le=50_000_000)
    per_minute: int = Field(default=600, ge=1)


class Serve(Section):
    """`yuanqing serve`: where it listens (others than this machine come through nginx, which has the certificate); checks at once."""

    host: str = "127.0.0.1"
    port: int = Field(default=8600, ge=1, le=65_535)
    workers: int = Field(default=2, ge=1, le=64)
    departments: dict[str, Caller] = {}


class Settings(BaseSettings):
    """What stands alone, and all sections.

    `memory`: how much each connection to the lake may take, by default 80 % of the machine's; `reports_url` and `ui_url`: where
    browsers find the reports and the Dagster UI, by default the servers of `yuanqing ui`.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter=BELOW, env_ignore_empty=True, extra="forbid", frozen=True)

    memory: Amount | None = None
    reports_url: Address = "http://127.0.0.1:3001"
    ui_url: Address = "http://127.0.0.1:3000"
    snapshots: Snapshots = Snapshots()
    issues: Issues = Issues()
    publication: Publication = Publication()
    departments: dict[str, Department] = {}
    mail: Mail = Mail()
    deliver: Deliver = Deliver()
    serve: Serve = Serve()


def load_settings(root: Path) -> Settings:
    """The settings of the project at `root`. Raises `SettingsError` with file or variable, what was found and what is allowed."""
    file = root / FILE

    class Located(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    try:
        settings = Located()
    except ValidationError as error:
        raise SettingsError("; ".join(_wrong(e, file) for e in error.errors()) + ".") from None
    except ValueError as error:  # TOML, or a variable with JSON, that cannot be read; the library's words may quote what stands there
        said = f" ({error})" if type(error).__name__ == "TOMLDecodeError" else ""
        place = FILE if said else "a variable YUANQING_..."
        raise SettingsError(f"{place}: 读不懂。 It cannot be read{said}. Mend it: `key = value`, texts in quotes.") from None
    _no_misspelt_variable(settings)
    return settings


def _wrong(error: Mapping[str, Any], file: Path) -> str:
    """One complaint of the library in our words. What an unknown key holds is not repeated, nor what may be a secret."""
    path = tuple(map(str, error["loc"]))
    place = _variable(path) or f"{file.name}: {'.'.join(path)}"
    if error["type"] == "extra_forbidden":
        return f"{place}: 没有这项设置 no such setting. {near(path[-1], _names(path[:-1]))}".rstrip(".")
    said = str(error["msg"]).removeprefix("Value error, ")
    return f"{place}: {said}" if error["type"] in ("reference", "address") else f"{place} = {error['input']!r}: {said}"


def section_of(kind: Any) -> type[BaseModel] | None:
    """The section that a field of this type holds, by itself or by names (`dict[str, Section]`); None for a value."""
    if get_origin(kind) is dict:
        kind = get_args(kind)[1]
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _names(path: tuple[str, ...]) -> list[str]:
    """The settings there are below `path`."""
    at: type[BaseModel] = Settings
    named = False
    for key in path:
        if named:  # one of the sections of a `dict[str, Section]`
            named = False
            continue
        field = at.model_fields.get(key)
        if field is None or (below := section_of(field.annotation)) is None:
            return []
        at, named = below, get_origin(field.annotation) is dict
    return list(at.model_fields)


def _variable(path: tuple[str, ...]) -> str | None:
    """The variable of the environment that sets `path`, or what is above it; None where the file or the default does."""
    given = {name.upper(): name for name, value in os.environ.items() if value}
    names = (PREFIX + BELOW.join(path[:end]).upper() for end in range(len(path), 0, -1))
    return next((given[name] for name in names if name in given), None)


def unused_variables(settings: Settings) -> list[str]:
    """Variables that begin like ours and are no setting, nor named by one as holding a secret."""
    known = {PREFIX + BELOW.join(path).upper() for path, _ in _leaves(settings)} | {PREFIX + name for name in PLACES}
    known |= {PREFIX + name.upper() for name in type(settings).model_fields}
    named = {value.removeprefix("env:") for _, value in _leaves(settings) if isinstance(value, str) and value.startswith("env:")}
    ours = (n for n in os.environ if n.upper().startswith(PREFIX) and not n.upper().startswith(PREFIX + ELSEWHERE))
    return sorted(n for n in ours if n.upper() not in known and n not in named)


def _no_misspelt_variable(settings: Settings) -> None:
    """Refuse a variable that is nearly one of ours; others may be anybody's."""
    known = [*(BELOW.join(path).upper() for path, _ in _leaves(settings)), *PLACES]
    for name in unused_variables(settings):
        meant = difflib.get_close_matches(name.upper().removeprefix(PREFIX), known, n=1, cutoff=0.8)
        if meant:
            raise SettingsError(f"{name}: 没有这项设置。 No such setting. Did you mean {PREFIX}{meant[0]}?")


@dataclass(frozen=True)
class Told:
    """A setting in effect: its name in the file, its value (a secret as its reference), and where the value came from."""

    name: str
    value: Any
    source: str


def told(root: Path, settings: Settings) -> list[Told]:
    """Every setting in effect, in the order of the sections, with the variable, the file or `default` that it came from."""
    import tomllib

    file = root / FILE
    written = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def source(path: tuple[str, ...]) -> str:
        at: Any = written
        for key in path:
            at = at.get(key) if isinstance(at, dict) else None
        return _variable(path) or (FILE if at is not None else "default")

    return [Told(".".join(path), value, source(path)) for path, value in _leaves(settings)]


def _leaves(model: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every setting by its path; what stands alone first, sections in their order."""
    sections: list[tuple[tuple[str, ...], BaseModel]] = []
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if section_of(field.annotation) is None:
            yield (*path, name), value
        elif isinstance(value, dict):
            sections += [((*path, name, key), below) for key, below in value.items()]
        else:
            sections.append(((*path, name), value))
    for below_path, below in sections:
        yield from _leaves(below, below_path)
