"""Everything that can be set, from the environment, `.env` or options of the same name.

A wrong value is a `SettingsError` whose text names the variable, the value and what would be right; secrets never
appear in it. Source: interfaces, Settings.
"""

import secrets
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from storage.settings_checks import (
    checked_jwt_key,
    checked_log_url,
    checked_nodes,
    checked_origins,
    checked_secret,
    checked_store_url,
    may_be_shown,
)
from storage.store_url import with_cluster

PREFIX = "ROOMSTATE_"
_SECRETS = ("secret", "previous_secret", "api_token", "playback_jwt_key", "management_token", "admin_token")
_NEVER_SHOWN = frozenset({*_SECRETS, "store_url"})

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[int, Field(ge=1, le=31_536_000)]
Milliseconds = Annotated[int, Field(ge=1, le=600_000)]


class SettingsError(Exception):
    """A setting is wrong; one line that says what to do."""


class Settings(BaseSettings):
    """The settings of every part; each part reads what it needs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore")

    data_dir: Path = Path("./data")
    log_url: SecretStr = SecretStr("")
    store_url: SecretStr | None = None
    store_cluster: str = ""
    store_port: Port = 8123
    analyst_time_s: Seconds = 60
    analyst_memory_mib: Annotated[int, Field(ge=16)] = 2048
    analyst_result_mib: Annotated[int, Field(ge=1)] = 1024
    host: str = "127.0.0.1"
    port: Port = 8080
    ingest_processes: Annotated[int, Field(ge=1, le=64)] = 1
    processors: Annotated[int, Field(ge=1, le=256)] = 1
    processor_port: Port | None = None
    partitions: Annotated[int, Field(ge=1, le=4096)] | None = None
    secret: SecretStr | None = None
    previous_secret: SecretStr | None = None
    api_token: SecretStr | None = None
    participant_ttl_s: Seconds = 300
    playback_ttl_s: Seconds = 7200
    playback_limit: Annotated[int, Field(ge=1)] = 2
    playback_jwt_key: SecretStr | None = None
    playback_jwt_audience: str | None = None
    stream_ttl_s: Annotated[int, Field(ge=0)] = 0
    management_token: SecretStr | None = None
    admin_token: SecretStr | None = None
    nodes: str = ""
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ("http://localhost:3000",)
    decision_timeout_ms: Milliseconds = 2000
    log_timeout_ms: Milliseconds = 5000
    retention_days: Annotated[int, Field(ge=0)] = 0
    client_ip: Literal["full", "truncated", "none"] = "full"

    @field_validator("data_dir")
    @classmethod
    def _without_double_slash(cls, value: Path) -> Path:
        return Path("/", *value.parts[1:]) if value.is_absolute() else value

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        return checked_origins(value) if isinstance(value, str) else value

    @field_validator("nodes")
    @classmethod
    def _known_nodes(cls, value: str) -> str:
        return checked_nodes(value)

    @field_validator("log_url")
    @classmethod
    def _known_log(cls, value: SecretStr) -> SecretStr:
        return SecretStr(checked_log_url(value.get_secret_value()))

    @field_validator("store_url")
    @classmethod
    def _usable_store(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else SecretStr(checked_store_url(value.get_secret_value()))

    @field_validator("store_cluster")
    @classmethod
    def _cluster_elsewhere(cls, value: str, info: ValidationInfo) -> str:
        if value and info.data.get("store_url", ...) is None:
            raise ValueError("the embedded store is no cluster; name a server of it in ROOMSTATE_STORE_URL")
        return value

    @field_validator(*_SECRETS)
    @classmethod
    def _given_secret(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else SecretStr(checked_secret(value.get_secret_value()))

    @field_validator("playback_jwt_key")
    @classmethod
    def _usable_jwt_key(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else SecretStr(checked_jwt_key(value.get_secret_value()))

    @property
    def log_engine_url(self) -> str:
        """The log's URL, with the embedded default filled in; it may hold a password."""
        return self.log_url.get_secret_value() or f"sqlite://{quote(str(self.data_dir.absolute() / 'log.db'))}"

    @property
    def is_log_embedded(self) -> bool:
        """Whether the log is the SQLite file."""
        return self.log_engine_url.startswith("sqlite:")

    @property
    def partition_count(self) -> int:
        """Wanted number of partitions of a new log."""
        return self.partitions or (8 if self.is_log_embedded else 32)

    @property
    def store_password_path(self) -> Path:
        """Where the embedded store keeps the password of its writing user."""
        return self.data_dir / "store.password"

    def store_engine_url(self) -> str:
        """Return the store's URL with credentials; of the embedded store, those of its writing user."""
        if self.store_url is not None:
            return with_cluster(self.store_url.get_secret_value(), self.store_cluster)
        password = kept_secret(self.store_password_path)
        return f"http://roomstate:{password}@127.0.0.1:{self.store_port}/roomstate"

    def signing_secret(self) -> bytes:
        """Return the secret that signs session tokens and keys the hashes of users."""
        return self._secret_or_kept("secret", self.secret).encode()

    def previous_signing_secret(self) -> bytes:
        """Return the secret that was replaced and still counts; empty = none does."""
        return self.previous_secret.get_secret_value().encode() if self.previous_secret is not None else b""

    def bearer_token(self) -> str:
        """Return the bearer token of `/v1/*`."""
        return self._secret_or_kept("api_token", self.api_token)

    def _secret_or_kept(self, name: str, value: SecretStr | None) -> str:
        if value is not None:
            return value.get_secret_value()
        if not self.is_log_embedded and self.store_url is not None:
            raise SettingsError(f"{PREFIX}{name.upper()} must be set when neither log nor store is embedded")
        return kept_secret(self.data_dir / name)


def kept_secret(path: Path) -> str:
    """Return the secret in the file, making a random one (mode 0600) on first use; safe between processes.

    Raises: SettingsError if the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(32))
        try:
            path.hardlink_to(made)
        except FileExistsError:
            pass
        finally:
            made.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise SettingsError(
            f"ROOMSTATE_DATA_DIR={path.parent}: cannot be written ({error.strerror}); name a folder that can"
        ) from error


def load_settings(**options: object) -> Settings:
    """Return the settings of the environment and `.env`, overridden by the options given.

    Raises: SettingsError naming the first wrong variable, or the option that was wrong.
    """
    try:
        return Settings(**options)  # type: ignore[arg-type]  # pydantic checks every value
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        label = option_of(name) if name in options else f"{PREFIX}{name.upper()}"
        shown = repr(first["input"]) if _may_be_shown(name, first["input"]) else "(not shown)"
        raise SettingsError(f"{label}={shown}: {first['msg'].removeprefix('Value error, ')}") from error


def option_of(name: str) -> str:
    """Return the option that a setting is on the command line."""
    return f"--{name.replace('_', '-')}"


def _may_be_shown(name: str, value: object) -> bool:
    return may_be_shown(str(value)) if name == "log_url" else name not in _NEVER_SHOWN
