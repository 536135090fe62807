"""Lists of numbers, of any length, given to a query as one parameter.

Example:
    >>> query.where(among(connection, Object.objid, objids))
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, any_, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY

_SHORT = 200


def among(connection: Connection, of: Any, numbers: Sequence[int]) -> Any:
    """That the column's value is one of the numbers: SQLite takes few parameters, and a list as
    JSON."""
    listed = sorted(set(numbers))
    if len(listed) <= _SHORT:
        return of.in_(listed)
    if connection.dialect.name == "sqlite":
        values = func.json_each(json.dumps(listed)).table_valued(column("value", BigInteger))
        return of.in_(select(values.c.value))
    return of == any_(bindparam(None, listed, type_=ARRAY(BigInteger)))
