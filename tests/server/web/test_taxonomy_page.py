"""The page of taxa in a real browser: the tree, changes of it, a project's own list."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser


def add(sea: Any, name: str, parent: int | None = None) -> int:
    body = {"name": name, "parent_id": parent}
    answer = sea.client.post("/api/taxa", json=body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["taxon_id"])


def own_list(sea: Any) -> list[int]:
    rows = sea.client.get(f"/api/projects/{sea.project}/taxon_list").json()
    return [row["taxon_id"] for row in rows]


def test_the_tree_is_opened_searched_and_changed(visit: Any, make_sea: Any) -> None:
    sea = make_sea("taxa", [])
    root = add(sea, "Testata")
    order = add(sea, "Testoida", root)
    add(sea, "egg", order)
    other = add(sea, "Otheroida", root)
    page: Page = visit().page
    page.goto("/taxa")
    page.get_by_role("button", name="What is below Testata").click()
    expect(page.get_by_role("link", name="Otheroida")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("egg<testoi")
    expect(page.locator("[role=option]").first).to_contain_text("egg<Testoida")
    page.keyboard.press("Enter")
    expect(page.locator("#taxon h2")).to_have_text("egg<Testoida")
    expect(page.locator(".twig[data-here=true]")).to_contain_text("egg")

    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Name", exact=True).fill("ovum")
    page.keyboard.press("Enter")
    expect(page.locator("#taxon h2")).to_have_text("ovum")
    expect(page.locator("#taxon .name-list")).to_contain_text("egg")
    page.locator("#changes summary").click()
    expect(page.locator("#changes")).to_contain_text("name: “egg” → “ovum”")
    expect(page.locator("#changes")).to_contain_text("ada@sea.test")

    page.get_by_role("button", name="Move", exact=True).click()
    page.keyboard.type("otheroi")
    expect(page.locator("[role=option]").first).to_contain_text("Otheroida")
    page.keyboard.press("Enter")
    page.locator("#taxon-form").get_by_role("button", name="Move").click()
    expect(page.locator("#taxon .lineage")).to_contain_text("Otheroida")

    page.goto(f"/taxa?taxon={order}")
    page.get_by_role("button", name="Merge").click()
    page.keyboard.type("otheroi")
    expect(page.locator("[role=option]").first).to_contain_text("Otheroida")
    page.keyboard.press("Enter")
    page.locator("#taxon-form").get_by_role("button", name="Merge").click()
    expect(page.locator("#taxon h2")).to_have_text("Otheroida")
    expect(page).to_have_url(f"{sea.client.base_url}/taxa?taxon={other}")
    page.goto(f"/taxa?taxon={order}")
    expect(page.locator("#taxon h2")).to_have_text("Otheroida")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440


def test_what_is_refused_stands_in_the_form(visit: Any, make_sea: Any) -> None:
    sea = make_sea("taxa refused", [])
    root = add(sea, "Refusata")
    add(sea, "Twice", root)
    page: Page = visit(own=True).page
    page.goto(f"/taxa?taxon={root}")
    page.get_by_role("button", name="Add below").click()
    page.get_by_label("Name", exact=True).fill("TWICE")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("'Twice' is there already under this parent")


def test_a_projects_own_list_is_kept_in_order_on_a_narrow_screen(visit: Any, make_sea: Any) -> None:
    make_sea("a project of so long a title that a narrow screen has no room for it", [])
    sea = make_sea("taxa own list", [])
    taxa = [add(sea, f"Listata {letter}") for letter in "ab"]
    page: Page = visit(360, 800, scheme="light").page
    page.goto(f"/taxa?taxon={taxa[0]}")
    page.locator("#own-project").select_option("taxa own list")
    page.get_by_role("button", name="Add Listata a").click()
    page.get_by_role("button", name="Add a taxon").click()
    page.keyboard.type("listata b")
    expect(page.locator("[role=option]").first).to_contain_text("Listata b")
    page.keyboard.press("Enter")
    expect(page.locator("#own-list li")).to_have_count(2)
    page.get_by_role("button", name="Move up Listata b").click()
    expect(page.locator("#own-list li").first).to_contain_text("Listata b")
    assert own_list(sea) == taxa[::-1]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_list_that_has_not_come_is_not_written_over(visit: Any, make_sea: Any) -> None:
    """Another project is chosen and its list is late: what is added meanwhile goes nowhere else."""
    one, two = make_sea("own list one", []), make_sea("own list two", [])
    first, second = add(one, "Ownata prima"), add(one, "Ownata secunda")
    page: Page = visit().page
    page.goto(f"/taxa?taxon={first}")
    page.locator("#own-project").select_option("own list one")
    page.get_by_role("button", name="Add Ownata prima").click()
    expect(page.locator("#own-list li")).to_contain_text("Ownata prima")
    page.goto(f"/taxa?taxon={second}")
    expect(page.locator("#own-list li")).to_contain_text("Ownata prima")
    late: list[Route] = []
    held = f"**/api/projects/{two.project}/taxon_list"
    page.route(held, lambda route: late.append(route))  # noqa: PLW0108 - Playwright marks it
    with page.expect_request(held):
        page.locator("#own-project").select_option("own list two")
    expect(page.locator("#own-room")).to_have_attribute("aria-busy", "true")
    page.locator("#own-here").dispatch_event("click")  # as a script would: a person can't
    expect(page.locator("#own-list li")).to_have_count(2)
    late[0].continue_()
    page.unroute(held)
    assert own_list(one) == [first, second]
    assert own_list(two) == []
