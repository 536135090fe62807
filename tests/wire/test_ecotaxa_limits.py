"""EcoTaxa's limits: each violation is told by its column, before anything is written."""

from __future__ import annotations

import numpy as np
import pytest

from wire.ecotaxa import Column, EcotaxaError, cell, check_columns

BASE = [Column("img_file_name", "t"), Column("object_id", "t")]


def test_the_least_that_imports_is_accepted() -> None:
    check_columns(BASE)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ([Column("object_Area", "f")], "column object_Area: expected a lower-case name"),
        ([Column("Object_area", "f")], "column Object_area: expected a lower-case name"),
        ([Column("object_my area", "f")], "column object_my area"),
        ([Column("station", "t")], "column station"),
        ([Column("object_id", "t")], "column object_id: given 2 times"),
        ([Column("acq_ship", "t")], "column acq_id: needed, since there is acq_ship"),
        ([Column("object_annotation_category", "t")], "go together"),
        ([Column("object_annotation_status", "t")], "go together"),
        ([Column(f"object_t{i}", "t") for i in range(21)], "column object_t20: EcoTaxa takes 20"),
        ([Column(f"object_f{i}", "f") for i in range(501)], "column object_f500: .* 500 numeric"),
        (
            [Column(f"sample_{name}", "t") for name in ["id", *map(str, range(61))]],
            "column sample_60: EcoTaxa takes 60 sample_ columns",
        ),
        (
            [Column(f"acq_{name}", "t") for name in ["id", *map(str, range(31))]],
            "column acq_30: EcoTaxa takes 30 acq_ columns",
        ),
        (
            [Column(f"process_{name}", "t") for name in ["id", *map(str, range(31))]],
            "column process_30: EcoTaxa takes 30",
        ),
    ],
)
def test_a_layout_beyond_the_limits_is_told_by_column(extra: list[Column], said: str) -> None:
    with pytest.raises(EcotaxaError, match=said):
        check_columns(BASE + extra)


def test_a_missing_file_name_is_told() -> None:
    with pytest.raises(EcotaxaError, match="column img_file_name: missing"):
        check_columns([Column("object_id", "t")])


def test_fixed_columns_are_not_counted_as_free() -> None:
    fixed = ("lat", "lon", "date", "time", "link", "depth_min", "depth_max")
    columns = BASE + [Column(f"object_{name}", "t") for name in fixed]
    check_columns(columns + [Column(f"object_t{i}", "t") for i in range(20)])


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, np.float32(np.inf)])
def test_a_number_that_is_not_finite_is_told_by_column_and_object(value: float) -> None:
    with pytest.raises(EcotaxaError, match=r"column object_skew, object o7: .* is not finite"):
        cell(Column("object_skew", "f"), value, "o7")


def test_a_text_of_250_characters_fits_and_of_251_does_not() -> None:
    column = Column("sample_note", "t")
    assert cell(column, "x" * 250, "o1") == "x" * 250
    with pytest.raises(EcotaxaError, match="column sample_note, object o1: 251 characters"):
        cell(column, "x" * 251, "o1")


@pytest.mark.parametrize("text", ["a\tb", "a\nb", "a\rb", "\0"])
def test_a_text_that_would_break_the_table_is_told(text: str) -> None:
    with pytest.raises(EcotaxaError, match="column sample_note"):
        cell(Column("sample_note", "t"), text, "o1")


def test_numbers_keep_their_digits() -> None:
    column = Column("object_area", "f")
    value = np.float32(133.53911)
    assert np.float32(cell(column, value, "o1")) == value
    assert cell(column, None, "o1") == ""
