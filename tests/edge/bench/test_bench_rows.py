"""What the benchmark says: rows that a script and a person can read, and targets that can fail."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from edge.bench.targets import Speed, accuracy_rows, speed_rows
from models.figures import Row, best_ms, missing, table

GOOD = Speed(
    whole={0: 1.0, 100: 4.0, 500: 18.0},
    fallback={0: 17.0, 100: 40.0, 500: 190.0},
    kept={0: 1, 100: 101, 500: 500},
    noise=3.0,
    noise_kept=0,
    network_over_gemm=1.2,
    peak_mb=95.0,
    marginal_j=0.03,
)


def test_a_row_is_what_a_script_reads() -> None:
    row = Row("whole frame", 4.5, "ms", "<= 5 ms", True)
    assert json.loads(json.dumps(asdict(row))) == {
        "name": "whole frame", "value": 4.5, "unit": "ms", "target": "<= 5 ms", "holds": True,
    }  # fmt: skip


def test_what_is_not_installed_says_how_to_get_it() -> None:
    line = table([missing("morphocut", "not installed (pip install scikit-image)")])
    assert line.startswith("morphocut")
    assert "pip install scikit-image" in line


def test_values_stand_in_one_column() -> None:
    lines = table([Row("a", 1.0, "ms"), Row("a long name", 12345.678, "ms")]).splitlines()
    assert lines[0].index(" ms") == lines[1].index(" ms")


def test_all_targets_hold_where_they_do() -> None:
    rows = speed_rows(GOOD)
    assert len(rows) == 7
    assert all(row.holds and row.target for row in rows)


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"whole": {0: 1.0, 100: 5.1, 500: 18.0}}, 0),
        ({"fallback": {0: 17.0, 100: 11.9, 500: 190.0}}, 1),
        ({"network_over_gemm": 2.1}, 2),
        ({"whole": {0: 1.0, 100: 3.0, 500: 18.0}}, 3),
        ({"noise": 4.5}, 4),
        ({"peak_mb": 161.0}, 5),
        ({"marginal_j": 0.06}, 6),
    ],
)
def test_each_target_can_fail(changed: dict[str, object], number: int) -> None:
    rows = speed_rows(replace(GOOD, **changed))
    assert [row.holds for row in rows] == [i != number for i in range(7)]
    assert "DOES NOT HOLD" in table(rows).splitlines()[number]


def test_what_noise_leaves_to_keep_is_not_held_against_it() -> None:
    """Each object costs 0.03 ms here: 100 of them explain 3 ms."""
    assert speed_rows(replace(GOOD, noise=7.0, noise_kept=0))[4].holds is False
    assert speed_rows(replace(GOOD, noise=7.0, noise_kept=100))[4].holds is True


def test_what_was_not_measured_is_neither_held_nor_failed() -> None:
    rows = speed_rows(
        replace(GOOD, marginal_j=None, network_over_gemm=None, whole={0: 1.0, 100: 4.0})
    )
    assert [row.holds for row in rows] == [True, True, None, None, True, True, None]


def evaluated(device: float, gain: float, int8: float) -> dict[str, object]:
    """What `seadrift evaluate --table` writes of NDSB, as far as targets need it."""
    words = "accuracy of the embedding alone, "
    quantization = {words + "float": 0.71, words + "int8": int8}
    own = {"own": True, "quantization": quantization}
    row = {"network": "device", "method": "head", "figures": {"accuracy": [device, 0.69, 0.73]}}
    facts = {
        "rows": [row],
        "networks": {"device": own},
        "gain": {"device": {"difference": [gain, -0.01, 0.02]}},
    }
    return {"format": 1, "sets": {"ndsb": facts}}


def test_accuracy_is_read_where_it_was_evaluated(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    absent = accuracy_rows(results)
    assert [row.holds for row in absent] == [None] * 4
    assert all(row.unit == "not measured" for row in absent)
    results.write_text(json.dumps(evaluated(0.712, 0.015, 0.708)))
    assert [row.holds for row in accuracy_rows(results)] == [True, None, True, True]
    assert accuracy_rows(results)[0].value == pytest.approx(71.2)
    results.write_text(json.dumps(evaluated(0.69, -0.001, 0.70)))
    assert [row.holds for row in accuracy_rows(results)] == [False, None, False, False]
    results.write_text("{")
    assert accuracy_rows(results) == absent


def test_the_best_of_several_turns() -> None:
    calls = []
    assert best_ms(lambda: calls.append(1), 3) >= 0
    assert len(calls) == 4  # one warms up
