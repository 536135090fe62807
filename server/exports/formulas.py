"""Formulas that people give, worked out for many objects at once; nothing else can be run by them.

A formula is an expression in Python's spelling over columns: `sam.tot_vol/1000`,
`4.0/3.0*math.pi*(math.sqrt(obj.area/math.pi)*acq.pixel)**3`, `obj["perim."]`. Levels are `sam`,
`acq` (`ssm`: an acquisition's or its process's), `prc`, `obj` and `fre`. Numbers, + - * / // % **,
comparisons, `and or not`, `a if b else c`, and the functions of `arithmetic.FUNCTIONS` are all
there is: the text is read into a tree, each node of which is known here or refused; it is never
evaluated.

Invariant: a missing value, or one divided by zero, never becomes a number: it makes the result
missing, and `server.exports.variables` then names formula, column and object.

Example:
    >>> volume = Formula.read("total_water_volume", "sam.tot_vol/1000")
    >>> volume.columns
    (Column(level='sam', name='tot_vol'),)
    >>> volume.work_out({volume.columns[0]: np.array([250.0, 500.0])}, 2)
    array([0.25, 0.5 ])
"""

import ast
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.exports import arithmetic

Numbers = NDArray[np.float64]
LEVELS = ("sam", "acq", "ssm", "prc", "obj", "fre")
LONGEST, DEEPEST = 2000, 40


class FormulaError(ValueError):
    """The formula cannot be used; the message names it and says what is wrong where."""


@dataclass(frozen=True, order=True)
class Column:
    """A column that a formula reads."""

    level: str
    name: str

    def __str__(self) -> str:
        return f"{self.level}.{self.name}"


@dataclass(frozen=True)
class Formula:
    name: str
    text: str
    columns: tuple[Column, ...]
    tree: ast.expr

    @classmethod
    def read(cls, name: str, text: str) -> "Formula":
        """Raises FormulaError."""
        if len(text) > LONGEST:
            raise FormulaError(f"formula {name}: {len(text)} characters, at most {LONGEST}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what is odd in it is refused below
                tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else "cannot be read"
            raise FormulaError(f"formula {name} ({_short(text)}): {reason}") from error
        found: set[Column] = set()
        try:
            _visit(tree, found, 0)
        except FormulaError as error:
            raise FormulaError(f"formula {name} ({_short(text)}): {error}") from error
        return cls(name, text, tuple(sorted(found)), tree)

    def work_out(self, values: Mapping[Column, Numbers], count: int) -> Numbers:
        """The result for each of `count` objects; NaN where there is none."""
        with np.errstate(all="ignore"):
            result = _value(self.tree, values)
        return np.broadcast_to(np.asarray(result, np.float64), count)

    def __str__(self) -> str:
        return f"formula {self.name} ({_short(self.text)})"


def column_of(node: ast.expr) -> Column | None:
    """The column that `obj.area` or `obj["perim."]` names; None for anything else."""
    match node:
        case ast.Attribute(value=ast.Name(id=level), attr=name) if level in LEVELS:
            return Column(level, name)
        case ast.Subscript(value=ast.Name(id=level), slice=ast.Constant(value=str(name))) if (
            level in LEVELS
        ):
            return Column(level, name)
    return None


def _visit(node: ast.expr, found: set[Column], depth: int) -> None:
    """Refuse what is not known here; note the columns."""
    if depth > DEEPEST:
        raise FormulaError(f"nested deeper than {DEEPEST}")
    column = column_of(node)
    if column is not None:
        found.add(column)
        return
    for child in _children(node):
        _visit(child, found, depth + 1)


def _children(node: ast.expr) -> list[ast.expr]:
    """The parts of a node that is allowed. Raises FormulaError for any other."""
    parts: list[ast.expr] | None = None
    match node:
        case ast.Constant(value=value) if type(value) in (int, float):
            _constant(value)
            parts = []
        case ast.Attribute(value=ast.Name(id="math"), attr=name) if name in arithmetic.CONSTANTS:
            parts = []
        case ast.BinOp(left=left, op=op, right=right) if type(op) in arithmetic.BINARY:
            parts = [left, right]
        case ast.UnaryOp(op=unary, operand=operand) if type(unary) in arithmetic.UNARY:
            parts = [operand]
        case ast.BoolOp(values=values):
            parts = list(values)
        case ast.Compare(left=left, ops=ops, comparators=rest) if {*map(type, ops)} <= {
            *arithmetic.COMPARE
        }:
            parts = [left, *rest]
        case ast.IfExp(test=test, body=body, orelse=other):
            parts = [test, body, other]
        case ast.Call(func=function, args=arguments, keywords=[]):
            parts = _arguments(function, arguments)
    if parts is None:
        raise FormulaError(f"'{_short(ast.unparse(node))}' is not allowed; {_ALLOWED}")
    return parts


def _arguments(function: ast.expr, arguments: list[ast.expr]) -> list[ast.expr]:
    name, least, most, _ = _function(function)
    if not least <= len(arguments) <= most:
        raise FormulaError(f"{name} takes {least} to {most} values, not {len(arguments)}")
    return list(arguments)


def _constant(value: Any) -> float:
    try:
        number = float(value)
    except OverflowError as error:
        raise FormulaError("a number that is too large") from error
    if not math.isfinite(number):
        raise FormulaError("a number that is too large")
    return number


def _function(node: ast.expr) -> tuple[str, int, int, Callable[..., Any]]:
    match node:
        case ast.Attribute(value=ast.Name(id="math"), attr=name) if name in arithmetic.FUNCTIONS:
            return name, *arithmetic.FUNCTIONS[name]
        case ast.Name(id=name) if name in arithmetic.PLAIN:
            return name, *arithmetic.FUNCTIONS[name]
    raise FormulaError(f"the function '{_short(ast.unparse(node))}' is not known; {_ALLOWED}")


def _value(node: ast.expr, values: Mapping[Column, Numbers]) -> Any:
    column = column_of(node)
    if column is not None:
        return values[column]
    parts = [_value(part, values) for part in _children(node)]
    result: Any = None
    match node:
        case ast.Constant(value=value):
            result = np.float64(_constant(value))
        case ast.Attribute(attr=name):
            result = arithmetic.CONSTANTS[name]
        case ast.BinOp(op=op):
            result = arithmetic.finite(arithmetic.BINARY[type(op)](*parts))
        case ast.UnaryOp(op=unary):
            result = arithmetic.UNARY[type(unary)](*parts)
        case ast.BoolOp(op=both):
            result = arithmetic.both(parts, isinstance(both, ast.And))
        case ast.Compare(ops=ops):
            result = arithmetic.compare(parts, ops)
        case ast.IfExp():
            either = np.where(parts[0] != 0, parts[1], parts[2])
            result = np.where(np.isnan(parts[0]), np.nan, either)
        case ast.Call(func=function):
            result = arithmetic.finite(_function(function)[3](*parts))
    return result


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


_ALLOWED = (
    "a formula has numbers, columns as obj.area or obj['perim.'], + - * / // % **, comparisons, "
    "'a if b else c', math.pi and functions as math.sqrt, math.log, min, max, abs, round"
)
