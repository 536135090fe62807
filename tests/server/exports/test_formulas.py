"""Formulas: Python's own arithmetic, and nothing else of Python."""

import math
import re
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.exports.formulas import Column, Formula, FormulaError

AREA, PIXEL = Column("obj", "area"), Column("acq", "pixel")
NUMBERS = st.one_of(
    st.floats(-1e6, 1e6).map(repr), st.integers(0, 50).map(str), st.sampled_from(["math.pi", "2.5"])
)
ATOMS = st.one_of(NUMBERS, st.sampled_from(["obj.area", "acq.pixel"]))


SIGNS = ["+", "-", "*", "/", "//", "%", "<", "<=", "==", "!="]


def _more(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(
            inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "<", "<=", "==", "!="]), inner
        ).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda x: f"(-{x})"),
        inner.map(lambda x: f"abs({x})"),
        inner.map(lambda x: f"math.sqrt({x})"),
        inner.map(lambda x: f"({x})**2"),
        two.map(lambda t: f"min({t[0]}, {t[1]})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
    )


def _python(text: str, area: float, pixel: float) -> float | None:
    """What Python itself says; None where it has no real number."""

    class Names:
        def __init__(self, **values: float) -> None:
            self.__dict__ = dict(values)

    names = {"obj": Names(area=area), "acq": Names(pixel=pixel), "math": math}
    try:
        value: Any = eval(text, {"__builtins__": {"abs": abs, "min": min}}, names)  # noqa: S307 # oracle
    except (ArithmeticError, ValueError):
        return None
    return None if isinstance(value, complex) or not math.isfinite(value) else float(value)


@settings(deadline=None)
@given(st.recursive(ATOMS, _more, max_leaves=12), st.floats(-1e3, 1e3), st.floats(0.001, 10))
@example("4.0/3.0*math.pi*(math.sqrt(obj.area/math.pi)*acq.pixel)**3", 120.0, 0.073)
@example("1/obj.area", 0.0, 1.0)
@example("1/(1/obj.area)", 0.0, 1.0)
@example("min(1, 1/obj.area)", 0.0, 1.0)
def test_a_formula_gives_what_python_gives(text: str, area: float, pixel: float) -> None:
    formula = Formula.read("f", text)
    values = {AREA: np.array([area, area]), PIXEL: np.array([pixel, pixel])}
    found = formula.work_out(values, 2)
    expected = _python(text, area, pixel)
    if expected is None:
        assert not np.isfinite(found).any()
    else:
        assert found == pytest.approx([expected, expected], rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(st.text(max_size=200))
@example("(" * 3000)
@example("9**9**9**9")
@example("-" * 5000 + "1")
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    with suppress(FormulaError):
        formula = Formula.read("f", text)
        values = {column: np.ones(1) for column in formula.columns}
        assert formula.work_out(values, 1).shape == (1,)


HOSTILE = """
__import__('os').system('id')   obj.area.__class__   ().__class__.__bases__[0]   open('/etc/passwd')
[x for x in (1, 2)]   lambda: 1   f'{obj.area}'   math.factorial(9)   obj   math   math.inf   'text'
1; 2   x = 1   obj.area if True else 2   yield 1   sam[0]   print(1)   abs(1, x=2)   min()
(y := 1)   obj.area | 1   1e400   2j   None   obj.area, 1   *obj   await obj.area   ssm.x.y
"""


@pytest.mark.parametrize(
    "text", ["", "1" + "0" * 400, *(t for t in re.split(r"   |\n", HOSTILE) if t)]
)
def test_what_is_no_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(FormulaError, match="formula f"):
        Formula.read("f", text)


def test_columns_whose_names_are_no_words() -> None:
    formula = Formula.read("f", "obj['perim.'] / obj[\"%area\"] + sam.tot_vol")
    assert [str(column) for column in formula.columns] == [
        "obj.%area", "obj.perim.", "sam.tot_vol",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        *("obj.area", "obj.area > 1", "obj.area if obj.area > 0 else 1", "not obj.area"),
        *("min(1, obj.area)", "obj.area or 1", "obj.area == obj.area", "1 if obj.area else 1"),
    ],
)
def test_a_missing_value_never_becomes_a_number(text: str) -> None:
    found = Formula.read("f", text).work_out({AREA: np.array([np.nan, 4.0])}, 2)
    assert np.isnan(found[0])
    assert np.isfinite(found[1])
