"""Column types that the order store's databases keep each in their own way.

Here: instants, the expression that reads them as microseconds, and transaction
numbers. Not here: the tables (`model.py`).

PostgreSQL has `timestamptz`. SQLite has no such type; text would sort, but cost
a parse per value, so it keeps whole microseconds since 1970 in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import TIMESTAMP, BigInteger, ColumnElement, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970 in UTC. Raises TypeError if naive."""
    return (instant - EPOCH) // _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware `datetime` in UTC."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return EPOCH + timedelta(microseconds=value)


class _Xid8(UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "XID8"


class TransactionId(TypeDecorator[int]):
    """PostgreSQL's 64-bit transaction number; always empty in SQLite."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(_Xid8() if dialect.name == "postgresql" else BigInteger())


class ticks(FunctionElement[int]):  # noqa: N801 - reads as the SQL function it is
    """An instant column as whole microseconds since 1970, for bulk reading."""

    type = BigInteger()
    inherit_cache = True


@compiles(ticks)
def _ticks_integer(element: ticks, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(ticks, "postgresql")
def _ticks_timestamptz(element: ticks, compiler: Any, **options: Any) -> str:
    inner = compiler.process(element.clauses, **options)
    return f"CAST(EXTRACT(EPOCH FROM {inner}) * 1000000 AS BIGINT)"


def as_ticks(column: ColumnElement[Any], name: str) -> ColumnElement[int]:
    """`column` read by `ticks`, labelled `name`."""
    return ticks(column).label(name)
