"""What the signs and names of a formula do to arrays of numbers; NaN is a missing value.

Example:
    >>> BINARY[ast.Div](np.array([1.0]), np.array([4.0]))
    array([0.25])
"""

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np


def finite(values: Any) -> Any:
    """Divided by zero, or too large: missing, lest 1 / (1 / 0) become 0."""
    return np.where(np.isfinite(values), values, np.nan)


def both(parts: list[Any], every: bool) -> Any:
    """Python's `and` and `or`, which give one of their values; missing if it hangs on one that is
    missing."""
    result = parts[0]
    for part in parts[1:]:
        left, right = (part, result) if every else (result, part)
        chosen = np.where(result != 0, left, right)
        result = np.where(np.isnan(result), np.nan, chosen)
    return result


def compare(sides: list[Any], ops: list[ast.cmpop]) -> Any:
    """1 or 0, missing where a side is."""
    results = []
    for left, op, right in zip(sides, ops, sides[1:], strict=False):
        holds = np.asarray(COMPARE[type(op)](left, right), np.float64)
        results.append(np.where(np.isnan(left) | np.isnan(right), np.nan, holds))
    return both(results, every=True)


def _least(*parts: Any) -> Any:
    return np.minimum.reduce(np.broadcast_arrays(*parts))


def _most(*parts: Any) -> Any:
    return np.maximum.reduce(np.broadcast_arrays(*parts))


def _log(x: Any, base: Any = None) -> Any:
    return np.log(x) if base is None else np.log(x) / np.log(base)


def _round(x: Any, digits: Any = 0.0) -> Any:
    scale = np.power(10.0, np.trunc(digits))
    return np.rint(x * scale) / scale


BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: lambda x: np.where(np.isnan(x), np.nan, (x == 0).astype(np.float64)),
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
CONSTANTS = {"pi": np.float64(math.pi), "e": np.float64(math.e), "tau": np.float64(math.tau)}
FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any]]] = {
    **{
        name: (1, 1, getattr(np, name))
        for name in ("sqrt", "cbrt", "exp", "expm1", "log10", "log2", "log1p", "floor", "ceil")
    },
    **{name: (1, 1, getattr(np, name)) for name in ("sin", "cos", "tan", "trunc", "fabs")},
    "log": (1, 2, _log),
    "pow": (2, 2, np.power),
    "abs": (1, 1, np.abs),
    "min": (2, 20, _least),
    "max": (2, 20, _most),
    "round": (1, 2, _round),
    "int": (1, 1, np.trunc),
    "float": (1, 1, np.positive),
}
"""Name -> least and most values, function."""
PLAIN = ("abs", "min", "max", "round", "int", "float", "pow")
