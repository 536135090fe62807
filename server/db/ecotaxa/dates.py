"""Dates as EcoTaxa writes and asks for them, over milliseconds since 1970.

Example:
    >>> day_of(1_700_000_000_000), time_of(1_700_000_000_000), moment(1_700_000_000_123)
    ('2023-11-14', '22:13:20', '2023-11-14T22:13:20.123000')
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_of(ms: int | None) -> str | None:
    return None if ms is None else _at(ms).date().isoformat()


def time_of(ms: int | None) -> str | None:
    """The time of day, to the second as EcoTaxa keeps it."""
    return None if ms is None else _at(ms).time().isoformat("seconds")


def moment(ms: int | None) -> str | None:
    """A moment as EcoTaxa writes it: UTC, without saying so."""
    return None if ms is None else _at(ms).replace(tzinfo=None).isoformat(timespec="microseconds")


def _at(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def time_of_day(column: Any) -> Any:
    """Milliseconds since midnight of a column of milliseconds, before 1970 too."""
    return (column % DAY_MS + DAY_MS) % DAY_MS


def read_day(text: str) -> int:
    """The milliseconds of "YYYY-MM-DD", its midnight. Raises ValueError."""
    day = date.fromisoformat(text.strip())
    return _ms(datetime(day.year, day.month, day.day, tzinfo=UTC))


def read_time(text: str) -> int:
    """Milliseconds since midnight of "H:MM" or "H:MM:SS". Raises ValueError."""
    given = text.strip()
    if len(given.partition(":")[0]) == 1:
        given = f"0{given}"
    at = time.fromisoformat(given)
    return ((at.hour * 60 + at.minute) * 60 + at.second) * 1000 + at.microsecond // 1000


def read_moment(text: str) -> int:
    """The milliseconds of "YYYY-MM-DD", perhaps with " HH:MM" or " HH:MM:SS". Raises ValueError."""
    return _ms(datetime.fromisoformat(text.strip()).replace(tzinfo=UTC))


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


class MonthOf(ColumnElement[int]):
    """The month, 1 to 12, of a column of milliseconds."""

    inherit_cache = False
    type = Integer()

    def __init__(self, column: Any) -> None:
        self.column = column


@compiles(MonthOf, "postgresql")
def _month_postgresql(element: MonthOf, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.column, **kw)
    return f"EXTRACT(MONTH FROM TIMESTAMP 'epoch' + {column} * INTERVAL '1 millisecond')"


@compiles(MonthOf, "sqlite")
def _month_sqlite(element: MonthOf, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.column, **kw)
    return f"CAST(strftime('%m', {column} / 1000, 'unixepoch') AS INTEGER)"
