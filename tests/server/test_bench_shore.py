"""The page on the shore at size says what its rows say; and the benchmark runs."""

import json
from pathlib import Path

import pytest

from models.figures import Row
from server.bench.fill import fill
from server.bench.shore import ELSEWHERE, FREE, PAGE, measure_filled
from server.bench.shore_report import page
from server.db import counts, sound
from server.settings import Settings
from server.shore import Admin, Shore, open_shore

DOCS = Path(__file__).parents[2] / "docs/benchmarks"


def test_the_page_is_that_of_its_rows_and_has_every_figure_of_the_table() -> None:
    rows = [Row(**row) for row in json.loads((DOCS / "shore.json").read_text())]
    assert (DOCS / "shore.md").read_text(encoding="utf-8") == page(rows)
    names = " ".join(row.name for row in rows)
    for name, _, _ in ELSEWHERE:
        assert f"elsewhere, EcoTaxa: {name}" in names
    for objects in ("SQLite, 100,000", "PostgreSQL, 100,000", "PostgreSQL, 10,000,000"):
        for what in (PAGE, FREE, "100 nearest of"):
            assert f"{objects} objects: {what}" in names
    for kind in ("postgresql-100000", "postgresql-10000000"):
        for plan in ("page", "page-free-few", "page-free-many", "review-score", "review-taxon"):
            assert "Execution Time" in (DOCS / "shore" / kind / f"{plan}.txt").read_text()


@pytest.mark.databases
def test_a_filled_shore_obeys_every_rule(shore: Shore) -> None:
    filled = fill(shore, 1500, lambda _: None)
    assert sum(one.objects for one in filled.all) == 1500
    with shore.database.read() as connection:
        assert sound.orphans(connection) == []
        assert counts.kept(connection) == counts.recount(connection)
        validated = counts.by_status(connection, [filled.large.project_id])
    assert 0.2 < validated[filled.large.project_id]["V"] / filled.large.objects < 0.4


def test_the_benchmark_measures_what_it_filled(tmp_path: Path) -> None:
    password = "a password for a moment"
    shore = open_shore(Settings(tmp_path / "shore"), Admin(password=password))
    filled = fill(shore, 1000, lambda _: None)
    rows, times = measure_filled(shore, filled, 1000, password, tmp_path / "plans", lambda _: None)
    shore.close()
    assert {PAGE, FREE} <= times.keys()
    assert all(0 < took.least <= took.median for took in times.values())
    [recall] = [row for row in rows if row.name.endswith("recall")]
    assert recall.value == 1.0
    assert "USING INDEX" in (tmp_path / "plans/sqlite-1000/page.txt").read_text()
