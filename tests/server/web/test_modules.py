"""The pages' pure modules, run in the browser that will run them, against slow, simple oracles."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from server.web.routes import ASSETS

pytestmark = pytest.mark.browser


@pytest.fixture
def blank(visit: Any) -> Iterator[Page]:
    page: Page = visit().page
    page.goto("/devices")
    expect(page.locator("[aria-busy=false]")).to_be_visible()
    return page


def run(page: Page, module: str, body: str) -> Any:
    """The value of `body` with the module as `m`."""
    return page.evaluate(f"import('{ASSETS.prefix}/js/{module}.js').then((m) => {{ {body} }})")


def test_cells_in_a_rectangle_are_those_that_touch_it(blank: Page) -> None:
    wrong = run(
        blank,
        "layout",
        """
        const wrong = [];
        let seed = 7;
        const next = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
        for (let round = 0; round < 400; round += 1) {
          const plan = m.planGrid(200 + next(1200), 80 + next(160));
          const total = next(90);
          const left = next(1300) - 50, top = next(2000) - 50;
          const rect = {left, top, right: left + next(600), bottom: top + next(600)};
          const slow = [...Array(total).keys()].filter((i) => {
            const {x, y} = m.cellAt(plan, i);
            return x <= rect.right && x + plan.cellWidth >= rect.left
              && y <= rect.bottom && y + plan.cellHeight >= rect.top;
          });
          const fast = m.cellsIn(plan, total, rect).sort((a, b) => a - b);
          if (JSON.stringify(slow) !== JSON.stringify(fast)) wrong.push({plan, total, rect});
        }
        return wrong;
        """,
    )
    assert wrong == []


def test_every_cell_in_view_is_drawn_and_none_overlap(blank: Page) -> None:
    wrong = run(
        blank,
        "layout",
        """
        const wrong = [];
        for (const width of [200, 366, 640, 847, 1600]) for (const size of [84, 132, 236]) {
          const plan = m.planGrid(width, size);
          const end = m.cellAt(plan, plan.columns - 1);
          if (end.x + plan.cellWidth > width && plan.columns > 1) wrong.push({width, size});
          for (const top of [0, 13, 700, 5000]) {
            const [first, last] = m.visibleRange(plan, 500, top, 600);
            for (let i = 0; i < 500; i += 1) {
              const {y} = m.cellAt(plan, i);
              const inView = y < top + 600 && y + plan.cellHeight > top;
              if (inView && (i < first || i >= last)) wrong.push({width, size, top, i});
            }
            if (last - first > plan.columns * 30) wrong.push({width, size, top, first, last});
          }
        }
        return wrong;
        """,
    )
    assert wrong == []


def test_pauses_do_not_count_as_work(blank: Page) -> None:
    stats = run(
        blank,
        "stats",
        """
        let s = m.record(m.EMPTY, 40, 1000);
        s = m.record(s, 40, 31000);
        s = m.record(s, 20, 31000 + 3600000);
        s = m.record(s, -20, 31000 + 3630000);
        return {...s, pace: m.perHour(s), early: m.perHour(m.record(m.EMPTY, 5, 1))};
        """,
    )
    assert stats["done"] == 80
    assert stats["activeMs"] == 60_000
    assert stats["pace"] == 4800
    assert stats["early"] is None


def test_names_that_begin_so_come_first_whatever_their_accents(blank: Page) -> None:
    names = run(
        blank,
        "taxon-search",
        """
        const taxa = ["Œil", "larve Écaille", "ecaille", "Calanus", "Écrevisse"]
          .map((display_name, i) => ({taxon_id: i + 1, name: display_name, display_name}));
        taxa.push({taxon_id: 0, name: "no taxon", display_name: "eco"});
        return m.rank(taxa, "éc", (t) => t.taxon_id).map((t) => t.display_name);
        """,
    )
    assert names == ["Écrevisse", "ecaille", "larve Écaille"]


def test_the_outbox_keeps_order_takes_back_and_retries(blank: Page) -> None:
    seen = run(
        blank,
        "outbox",
        """
        const sent = [], held = [];
        let down = true;
        const box = new m.Outbox(localStorage, "test.outbox", async (entry) => {
          sent.push(entry.key);
          if (down) throw {passing: true, status: 0};
          if (entry.key === "c") throw {passing: false, status: 409};
          return {changed: 1};
        });
        box.addEventListener("refused", (event) => held.push(event.detail.entry.key));
        for (const key of ["a", "b", "c", "d"]) box.add({key, op: "classify", body: {}});
        return new Promise((done) => setTimeout(done, 50)).then(async () => {
          const first = sent.slice();
          const tookBack = [box.takeBack("a"), box.takeBack("d")];
          const again = new m.Outbox(localStorage, "test.outbox", box.send);
          const kept = again.entries.map((entry) => entry.key);
          down = false;
          await box.flush();
          return {first, tookBack, kept, sent: sent.slice(first.length), held, left: box.size};
        });
        """,
    )
    assert seen["first"] == ["a"], "the second waits for the first"
    assert seen["tookBack"] == [False, True], "what may have arrived is not taken back"
    assert seen["kept"] == ["a", "b", "c"]
    assert seen["sent"] == ["a", "b", "c"]
    assert seen["held"] == ["c"]
    assert seen["left"] == 0


def test_a_plot_breaks_where_nothing_was_heard(blank: Page) -> None:
    drawn = run(
        blank,
        "plot",
        """
        const h = 3600000;
        return {
          none: m.paths([]),
          one: m.paths([[5, 3]]),
          flat: m.paths([[0, 0], [h, 0]]),
          broken: m.paths([[0, 1], [h, 2], [20 * h, 5], [21 * h, 4], [40 * h, 9]]),
        };
        """,
    )
    assert drawn["none"] == []
    assert len(drawn["one"]) == len(drawn["flat"]) == 1
    assert "NaN" not in str(drawn)
    assert [path.count(",") for path in drawn["broken"]] == [2, 2, 1]


def test_days_become_weeks_when_there_are_many(blank: Page) -> None:
    seen = run(
        blank,
        "chart",
        """
        const day = (n) => new Date(Date.UTC(2026, 0, 1) + n * 86400000).toISOString().slice(0, 10);
        const many = [...Array(200).keys()].filter((n) => n % 3).map((n) => ({day: day(n), n}));
        return {
          few: m.grouped([{day: day(0), n: 2}, {day: day(3), n: 5}]),
          weeks: m.grouped(many), sum: many.reduce((all, one) => all + one.n, 0),
          tops: [0, 1, 2, 3, 7, 10, 11, 49, 501, 1e6].map(m.ceiling),
        };
        """,
    )
    assert [one["n"] for one in seen["few"]] == [2, 0, 0, 5], "days without work are there"
    assert seen["few"][-1]["day"] == "2026-01-04"
    weeks = seen["weeks"]
    assert sum(one["n"] for one in weeks) == seen["sum"]
    assert weeks[0]["day"] == "2025-12-29", "a Monday"
    assert len(weeks) == 29
    assert seen["tops"] == [1, 1, 2, 5, 10, 10, 20, 50, 1000, 1000000]


def test_problems_are_found_by_any_word_and_taken_away_safely(blank: Page) -> None:
    seen = run(
        blank,
        "problems",
        r"""
        const one = {level: "error", file: "a.tsv", line: 3, column: "object_lat", value: "=1\t+2",
          message: "expected a number", remedy: "write one"};
        const two = {...one, level: "warning", line: null, value: "@x\n", column: null};
        return {
          line: m.fitting([one, two], "3", "").length,
          word: m.fitting([one, two], " NUMBER ", "").length,
          kind: m.fitting([one, two], "", "warning").length,
          none: m.fitting([one, two], "depth", "").length,
          text: m.asTable([one, two]),
        };
        """,
    )
    assert [seen[name] for name in ("line", "word", "kind", "none")] == [1, 2, 1, 0]
    head, first, second = [line.split("\t") for line in seen["text"].split("\n")]
    assert len(head) == len(first) == len(second) == 7
    assert (first[4], second[4]) == ("'=1 +2", "'@x ")


def test_what_was_asked_for_last_is_what_is_shown(blank: Page) -> None:
    found = run(
        blank,
        "latest",
        """
        const newest = new m.Latest();
        const late = async (value, ms) => {
          await new Promise((go) => setTimeout(go, ms));
          if (value === "bad") throw new Error(value);
          return value;
        };
        const asked = [["first", 60], ["bad", 40], ["last", 20]];
        return Promise.all(asked.map(([value, ms]) => newest.of(late(value, ms))));
        """,
    )
    assert found == [None, None, "last"]


def test_a_part_of_a_page_is_not_used_while_it_changes(blank: Page) -> None:
    found = run(
        blank,
        "latest",
        """
        const room = document.createElement("div");
        const seen = [];
        const failing = m.alone(room, async () => {
          seen.push(room.inert);
          throw new Error("no");
        });
        return failing
          .catch((error) => seen.push(error.message))
          .then(() => [...seen, room.inert]);
        """,
    )
    assert found == [True, "no", False]
