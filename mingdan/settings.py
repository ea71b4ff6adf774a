"""Typed settings, from the environment (`MINGDAN_*`) or an `.env` file.

Here: where things are and how much of the machine a night may use. Not here:
policy (thresholds, terms, caps), which is versioned data under
`mingdan/<stage>/`, so that a label can name the version it was decided by.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mingdan.errors import WrongUsage

_UNSHOWN = ("pepper", "orders_url", "alert_webhook")
"""Settings that may hold a secret."""


class Settings(BaseSettings):
    """One operator's installation. Paths are relative to the process's folder."""

    model_config = SettingsConfigDict(env_prefix="MINGDAN_", env_file=".env", extra="ignore")

    data: Path = Path("data")
    """Everything the installation holds; each part below defaults to a folder in it."""
    orders_url: str | None = None
    """SQLAlchemy URL of the order store; default SQLite in `<data>/orders.db`."""
    sources: Path | None = None
    """Folder with an operator's own source specs (TOML), beside those shipped."""
    required_sources: Annotated[list[str] | None, NoDecode] = None
    """Usage sources a night cannot do without, joined by commas (empty: none);
    default: those whose spec says `required`."""
    required_reports: Annotated[list[Literal["complaints"]], NoDecode] = ["complaints"]
    """Reports without whose file of the day no night runs, joined by commas; empty where
    there are none."""
    first_day: date = date(2026, 10, 1)
    """First business day of the partitions shown in Dagster."""

    late_days: int = Field(default=7, ge=0, le=60)
    """How many days back a late usage record re-opens its event day."""
    bad_rows_limit: float = Field(default=0.10, gt=0, le=1)
    """Share of bad rows above which a whole file is refused."""
    max_file_bytes: int = Field(default=8 * 2**30, gt=0)
    """Unpacked bytes above which a usage file is refused."""
    max_file_lines: int = Field(default=50_000_000, gt=0)
    """Lines above which a usage file is refused."""
    max_unpack_ratio: int = Field(default=100, ge=1)
    """How many times its size a compressed usage file may unpack to; usage packs 5 to 20
    times. Not asked of the first 64 MiB."""
    retention_days: int = Field(default=400, ge=31)
    """Days of lake history kept by the retention job."""

    engine: Literal["duckdb", "spark"] = "duckdb"
    """What runs the statements: this process, or the workers of an Apache Spark cluster
    (docs/scale-out.md). The same bytes either way."""
    spark_master: str | None = None
    """Spark's master URL, e.g. `yarn`, `k8s://...`, `spark://...`, `local-cluster[2,1,1024]`;
    default: what `spark-submit` says, else `local[<threads>]`."""
    spark_submit: str | None = None
    """Command that starts a driver of its own for the large steps, e.g. `spark-submit
    --master yarn`; default: this process is the driver. Reported back by Dagster Pipes."""
    buckets: int | None = Field(default=None, ge=1, le=100_000)
    """Buckets a new lake is divided into for good, about 12,000 subscriptions each;
    default 64. A lake that exists with another number is refused."""
    threads: int = Field(default=2, ge=1)
    """Threads of this process; a Spark task has one."""
    memory_limit: str = "1GB"
    """DuckDB's memory limit in this process, and in each Spark task; above it, it spills
    to disk."""
    lock_wait_seconds: float = Field(default=30.0, ge=0)
    """How long a second writer waits before it is refused."""

    alert_webhook: str | None = None
    """URL that gets a JSON POST when a run fails (no personal data in it)."""
    partner: str = "bank_demo"
    """The partner whose release a night's summary and checks show; every other one that
    has a channel is given its own."""
    pepper: SecretStr | None = None
    """Key of the lake's pseudonyms (hex). Default: `<data>/secrets/pepper`, made once."""

    @field_validator("required_sources", "required_reports", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value.strip().startswith("["):  # as pydantic-settings would have it
            return json.loads(value)
        return [name.strip() for name in value.split(",") if name.strip()]

    @model_validator(mode="wrap")
    @classmethod
    def _said_plainly(cls, values: object, check: ModelWrapValidatorHandler[Self]) -> Self:
        """Raises WrongUsage, naming each variable that is wrong and never a secret."""
        try:
            return check(values)
        except ValidationError as error:
            raise WrongUsage("; ".join(_fault(fault) for fault in error.errors())) from None

    @property
    def landing(self) -> Path:
        """Where sources deliver files: `<landing>/<kind>/<source>/<delivery day>/`."""
        return self.data / "landing"

    @property
    def lake(self) -> Path:
        return self.data / "lake"

    @property
    def releases(self) -> Path:
        return self.data / "releases"

    @property
    def channels(self) -> Path:
        """What partners fetch: signed and encrypted, a folder a channel, served as it is."""
        return self.data / "channels"

    @property
    def receipts(self) -> Path:
        """Partners' signed receipts: `<receipts>/<partner>/`."""
        return self.data / "receipts"

    @property
    def health(self) -> Path:
        """Pages on how the lists are: `index.html` for us, one for each partner."""
        return self.data / "health"

    @property
    def published(self) -> Path:
        """What each partner was given last, remembered apart from the releases."""
        return self.data / "published"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def database(self) -> str:
        return self.orders_url or f"sqlite:///{self.data / 'orders.db'}"

    @property
    def order_file(self) -> Path | None:
        """The order store's file if it is SQLite."""
        prefix, _, path = self.database.partition(":///")
        return Path(path) if prefix.startswith("sqlite") else None


def _fault(fault: ErrorDetails) -> str:
    name = str(fault["loc"][0]) if fault["loc"] else ""
    given = fault["input"]
    shown = "" if name in _UNSHOWN or not isinstance(given, str | int | float) else f": {given!r}"
    said = fault["msg"][:1].lower() + fault["msg"][1:]
    return f"MINGDAN_{name.upper()}{shown}: {said}"


def make_private(data: Path) -> None:
    """Make the data folder, if there is none, for its owner alone; an existing one stays as it is.

    It holds numbers, documents and keys; what is in it need not be private file by file.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
