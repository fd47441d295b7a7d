"""Settings: how this installation works, from `yuanqing.toml` at the project's root and the environment, which wins.

One class a section; a variable is named by its path: `YUANQING_ISSUES__ESCALATE_AFTER=5`. A secret stands in neither: a setting
names the variable or file that holds it (`password_from = "env:MAIL_PASSWORD"`, `"file:/run/secrets/mail"`). Not here: where
things lie (`assets.project`), what a setting does.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

FILE = "yuanqing.toml"


class SettingsError(Exception):
    """A setting that cannot be used: which, what stands there, what was expected."""


class Section(BaseModel):
    """A section of the file; what it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Issues(Section):
    """Deadlines of issues, in Chinese working days from dispatch, by severity; and how long after them the next one is told."""

    critical_days: int = Field(default=5, ge=1)
    warning_days: int = Field(default=10, ge=1)
    info_days: int = Field(default=20, ge=1)
    escalate_after: int = Field(default=5, ge=1)


class Settings(BaseSettings):
    """All sections."""

    model_config = SettingsConfigDict(env_prefix="YUANQING_", env_nested_delimiter="__", extra="ignore", frozen=True)

    issues: Issues = Issues()


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
        return Located()
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc']))} = {e['input']!r}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"{file.name} or YUANQING_ variables: {found}. Mend it there.") from None
    except ValueError as error:  # TOML that cannot be read
        raise SettingsError(f"{file}: {error}. Mend the file.") from error
