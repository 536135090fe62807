"""The review page in a real browser: what keys and mouse do, and what the shore then holds."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

COPEPODS = [("Copepoda", round(0.1 + 0.02 * n, 3)) for n in range(30)]
BUBBLES = [("bubble", round(0.5 + 0.02 * n, 3)) for n in range(12)]
OpenReview = Callable[..., Page]


@pytest.fixture
def open_review(visit: Any) -> OpenReview:
    """Opens a project's review and waits for its first vignettes."""

    def go(sea: Any, query: str = "", **how: Any) -> Page:
        page: Page = visit(**how).page
        page.goto(sea.review + query)
        expect(page.locator(".cell").first).to_be_visible()
        return page

    return go


def saved(page: Page) -> None:
    """Waits until the shore holds what was done."""
    expect(page.locator("#outbox")).to_have_text("All saved")


def cells(page: Page) -> Any:
    """The cells that stay, not those that fade."""
    return page.locator(".cell:not(.leaving)")


def cursor(page: Page) -> int:
    return int(page.locator(".cell.cursor").get_attribute("data-objid") or 0)


def test_it_opens_on_what_waits_most_lowest_score_first(
    open_review: OpenReview, make_sea: Any
) -> None:
    page = open_review(make_sea("opens", COPEPODS + BUBBLES))
    expect(page.locator("#page-text")).to_have_text("1–30 of 30")
    expect(page.locator(".taxon[aria-current=true] .taxon-name")).to_have_text("Copepoda")
    numbers = [int(text.split()[0]) for text in page.locator(".cell-percent").all_inner_texts()]
    assert numbers == sorted(numbers)
    expect(page.locator("#inspector h2")).to_have_text("Copepoda")


def test_keys_validate_doubt_discard_and_reset(open_review: OpenReview, make_sea: Any) -> None:
    sea = make_sea("keys", COPEPODS)
    order = [row["objid"] for row in sea.objects(status="P")]
    page = open_review(sea)
    page.keyboard.press("Enter")
    expect(cells(page)).to_have_count(29)
    assert cursor(page) == order[1], "the next object flows to where the cursor is"
    for key in ("v", "d", "x"):
        page.keyboard.press(key)
    saved(page)
    states = {row["objid"]: row["status"] for row in sea.objects()}
    assert [states[objid] for objid in order[:5]] == ["V", "V", "D", "X", "P"]
    page.locator(".segment", has_text="Discarded").click()
    expect(cells(page)).to_have_count(1)
    page.keyboard.press("r")
    expect(page.locator("#stage-note")).to_be_visible()
    saved(page)
    assert sea.count(status="P") == 27


def test_the_whole_page_in_two_keys(open_review: OpenReview, make_sea: Any) -> None:
    sea = make_sea("whole", COPEPODS + BUBBLES)
    page = open_review(sea)
    page.keyboard.press("Control+a")
    expect(page.locator("#chosen")).to_have_text("30 selected")
    page.keyboard.press("Enter")
    expect(page.locator("#stage-note h2")).to_have_text("Copepoda is sorted")
    saved(page)
    assert sea.taxa()["Copepoda"]["validated"] == 30
    page.keyboard.press("Enter")
    expect(page.locator(".taxon[aria-current=true] .taxon-name")).to_have_text("bubble")
    expect(cells(page)).to_have_count(12)
    expect(page.locator("#stats")).to_contain_text("30 sorted")


def test_typing_a_name_relabels(open_review: OpenReview, make_sea: Any) -> None:
    sea = make_sea("typing", COPEPODS + BUBBLES)
    page = open_review(sea)
    first, second = (row["objid"] for row in sea.objects(status="P", sort="score")[:2])
    page.keyboard.type("bubb", delay=5)
    expect(page.locator("#taxon-search input")).to_have_value("bubb")
    page.keyboard.press("Enter")
    expect(page.locator("#taxon-search")).to_be_hidden()
    expect(cells(page)).to_have_count(29)
    page.keyboard.press(".")
    saved(page)
    states = {row["objid"]: row for row in sea.objects(status="V")}
    assert {states[objid]["taxon"] for objid in (first, second)} == {"bubble"}


def test_enter_before_the_shore_answers_waits_for_it(
    open_review: OpenReview, make_sea: Any
) -> None:
    """A taxon that the project never had is known to the shore alone."""
    sea = make_sea("patience", COPEPODS)
    page = open_review(sea)
    page.keyboard.press("/")
    page.keyboard.type("Chaetogn")
    page.keyboard.press("Enter")
    expect(page.locator("#taxon-search")).to_be_hidden()
    saved(page)
    assert sea.objects(status="V")[0]["taxon"] == "Chaetognatha"


def test_a_guess_is_one_key_away(open_review: OpenReview, make_sea: Any) -> None:
    sea = make_sea("guess", COPEPODS)
    first = sea.objects(status="P")[0]
    page = open_review(sea)
    page.keyboard.press("2")
    expect(cells(page)).to_have_count(29)
    saved(page)
    assert sea.objects(status="V")[0]["taxon"] == first["top"][1][0]


def test_undo_brings_back_and_redo_takes_away(open_review: OpenReview, make_sea: Any) -> None:
    sea = make_sea("undo", COPEPODS)
    page = open_review(sea)
    before = sea.objects(status="P")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("v")
    expect(cells(page)).to_have_count(27)
    saved(page)
    assert sea.count(status="V") == 3
    page.keyboard.press("u")
    expect(cells(page)).to_have_count(30)
    saved(page)
    assert sea.objects(status="P") == before
    page.keyboard.press("Control+Shift+z")
    expect(cells(page)).to_have_count(27)
    saved(page)
    assert sea.count(status="V") == 3


def test_undo_after_a_reload_asks_the_shore(open_review: OpenReview, make_sea: Any) -> None:
    sea = make_sea("reload", COPEPODS)
    page = open_review(sea)
    page.keyboard.press("v")
    saved(page)
    page.reload()
    expect(page.locator("#page-text")).to_have_text("1–29 of 29")
    page.keyboard.press("u")
    expect(page.locator("#page-text")).to_have_text("1–30 of 30")
    assert sea.count(status="V") == 0


def test_clicks_ranges_and_rectangles_select(open_review: OpenReview, make_sea: Any) -> None:
    page = open_review(make_sea("select", COPEPODS))
    chosen = page.locator("#chosen")
    cells(page).nth(0).click()
    cells(page).nth(3).click(modifiers=["Shift"])
    expect(chosen).to_have_text("4 selected")
    cells(page).nth(1).click()
    expect(chosen).to_have_text("3 selected")
    page.keyboard.press("Escape")
    expect(chosen).to_have_text("At the cursor")
    one, other = cells(page).nth(0).bounding_box(), cells(page).nth(2).bounding_box()
    assert one is not None
    assert other is not None
    page.mouse.move(one["x"] + one["width"] / 2, one["y"] + one["height"] / 2)
    page.mouse.down()
    page.mouse.move(other["x"] + 10, other["y"] + 60, steps=4)
    page.mouse.up()
    expect(chosen).to_have_text("3 selected")


def test_arrows_move_by_one_and_by_row(open_review: OpenReview, make_sea: Any) -> None:
    sea = make_sea("arrows", COPEPODS)
    order = [row["objid"] for row in sea.objects(status="P")]
    page = open_review(sea)
    tops = page.locator(".cell").evaluate_all(
        "cells => cells.map(c => c.getBoundingClientRect().top)"
    )
    columns = tops.count(min(tops))
    for key, place in (("ArrowRight", 1), ("ArrowDown", 1 + columns), ("ArrowLeft", columns)):
        page.keyboard.press(key)
        assert order.index(cursor(page)) == place
    page.keyboard.press("End")
    assert order.index(cursor(page)) == 29
    expect(page.locator(".cell.cursor")).to_be_in_viewport()


def test_filters_are_in_the_address(open_review: OpenReview, make_sea: Any) -> None:
    sea = make_sea("filters", COPEPODS + BUBBLES)
    page = open_review(sea)
    page.locator(".taxon", has_text="bubble").click()
    expect(page.locator("#page-text")).to_have_text("1–12 of 12")
    page.locator("#score-min").fill("60")
    page.locator("#score-min").press("Enter")
    expect(page.locator("#page-text")).to_have_text("1–7 of 7")
    page.reload()
    expect(page.locator("#page-text")).to_have_text("1–7 of 7")
    expect(page.locator("#score-min")).to_have_value("60")
    page.locator("#sort").select_option("-score")
    expect(cells(page).first.locator(".cell-percent")).to_have_text("72 %")


def test_pages_turn_and_the_next_was_fetched(open_review: OpenReview, make_sea: Any) -> None:
    sea = make_sea("pages", [("Copepoda", 0.001 * n) for n in range(430)])
    order = [row["objid"] for row in sea.objects(status="P", limit=500)]
    page = open_review(sea)
    expect(page.locator("#page-text")).to_have_text("1–200 of 430")
    page.keyboard.press("PageDown")
    expect(page.locator("#page-text")).to_have_text("201–400 of 430")
    assert cursor(page) == order[200]
    page.keyboard.press("Control+a")
    page.keyboard.press("v")
    expect(page.locator("#page-text")).to_have_text("201–230 of 230")
    assert cursor(page) == order[400]
    page.keyboard.press("PageUp")
    expect(page.locator("#page-text")).to_have_text("1–200 of 230")
    assert cursor(page) == order[0]
    page.keyboard.press("u")
    saved(page)
    assert sea.count(status="V") == 0
    page.reload()
    expect(page.locator("#page-text")).to_have_text("1–200 of 430")


def test_an_empty_project_welcomes(visit: Any, make_sea: Any) -> None:
    page = visit().page
    page.goto(make_sea("empty", []).review)
    expect(page.locator("#stage-note")).to_contain_text("Enrol a device")


def test_true_scale_shows_a_scale_bar(open_review: OpenReview, make_sea: Any) -> None:
    sea = make_sea("scale", COPEPODS)
    page = open_review(sea)
    page.get_by_role("button", name="True scale").click()
    expect(page.locator("#scale-bar")).to_be_visible()
    shown = {row["objid"]: row["width"] for row in sea.objects()}
    ratios = []
    for cell in cells(page).all():
        if cell.locator(".cell-shrunk").count() == 0:
            image = cell.locator("img").bounding_box()
            assert image is not None
            ratios.append(image["width"] / shown[int(cell.get_attribute("data-objid") or 0)])
    assert len(ratios) > 5
    assert max(ratios) - min(ratios) < 0.02


def test_objects_that_arrive_meanwhile_are_told(visit: Any, make_sea: Any, bundle: Any) -> None:
    """An open page of a new project fills by itself; a page in use only says so."""
    sea = make_sea("arrivals", [])
    page: Page = visit().page
    page.clock.install()
    page.goto(sea.review)
    expect(page.locator("#stage-note")).to_be_visible()
    sea.send(COPEPODS, bundle)
    page.clock.run_for(11_000)
    expect(cells(page)).to_have_count(30)
    sea.send(BUBBLES, bundle, first=1000)
    page.clock.run_for(11_000)
    page.locator("#arrived").click()
    expect(page.locator(".taxon", has_text="bubble")).to_be_visible()
    expect(page.locator("#arrived")).to_be_hidden()


def test_a_viewer_looks_and_changes_nothing(visit: Any, make_sea: Any) -> None:
    sea = make_sea("viewer", COPEPODS)
    page: Page = visit().page
    page.route("**/review*", as_viewer)
    page.goto(sea.review)
    expect(cells(page)).to_have_count(30)
    page.keyboard.press("v")
    expect(page.locator(".notice")).to_contain_text("annotator")
    expect(cells(page)).to_have_count(30)


def as_viewer(route: Any) -> None:
    answer = route.fetch()
    route.fulfill(
        response=answer,
        body=answer.text().replace('data-role="administrator"', 'data-role="viewer"'),
    )
