"""A project's own pages in a real browser: settings and members, imports with their problems and
questions, exports, jobs, statistics."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.server.ecotaxa.uploads import picture, table, zipped

pytestmark = pytest.mark.browser

PLAN = [("Copepoda", 0.9), ("Copepoda", 0.4), ("Diatomea", 0.7), ("Diatomea", 0.2)]
NEMO = {"object_annotation_person_name": "Nemo", "object_annotation_person_email": "nemo@x.test"}


@pytest.fixture
def empty(make_sea: Any, request: pytest.FixtureRequest) -> str:
    """The address of a project without an object."""
    return f"/projects/{make_sea(request.node.name, []).project}"


def hand_in(page: Page, path: Path) -> None:
    page.get_by_label("Choose a zip or drop it here").set_input_files(path)
    expect(page.locator("#files")).to_contain_text(path.name)
    page.locator("[name=file]").select_option(path.name)
    page.get_by_role("button", name="Import", exact=True).click()


def job(page: Page, state: str) -> Locator:
    """The newest job's card, once it is in this state."""
    newest = page.locator(".job").first
    expect(newest.locator(".badge").first).to_have_text(state, timeout=40_000)
    return newest


def test_a_bad_table_is_told_place_by_place_and_nothing_is_imported(
    visit: Any, empty: str, people: httpx.Client, tmp_path: Path
) -> None:
    rows = [{"object_lat": "95", "object_id": "o1"}, {"object_area": "=big", "object_id": "o2"}]
    bad = zipped(tmp_path / "bad.zip", {"ecotaxa_bad.tsv": table(*rows), "a.png": picture()})
    page: Page = visit().page
    page.goto(f"{empty}/import")
    hand_in(page, bad)
    card = job(page, "not done")
    expect(card).to_contain_text("Nothing was imported.")
    row = card.locator("tbody tr", has_text="object_lat")
    expect(row.get_by_role("cell").nth(1)).to_have_text("ecotaxa_bad.tsv")
    expect(row.get_by_role("cell").nth(2)).to_have_text("3")
    expect(row.get_by_role("cell").nth(4)).to_have_text("95")
    card.get_by_label("Find in the problems").fill("=big")
    expect(card.locator("tbody tr")).to_have_count(1)
    with page.expect_download() as taken:
        card.get_by_role("button", name="Download").click()
    head, line = Path(str(taken.value.path())).read_text("utf-8").splitlines()
    assert head.split("\t")[:4] == ["level", "file", "line", "column"]
    assert line.split("\t")[4] == "'=big", "a spreadsheet takes no value for a formula"
    card.get_by_role("button", name="Log").click()
    expect(card.get_by_label("Log", exact=True)).to_contain_text("not done")
    assert people.get(f"/api{empty}").json()["total"] == 0


def test_an_import_asks_and_goes_on_with_the_answer(
    visit: Any, empty: str, people: httpx.Client, tmp_path: Path
) -> None:
    rows = [
        {"object_id": "o1", "object_annotation_category": "Zweifelia", **NEMO},
        {"object_id": "o2", "object_annotation_category": "Ratlosia", **NEMO},
        {"object_id": "o3"},
    ]
    files: dict[str, bytes | str] = {"ecotaxa_odd.tsv": table(*rows), "a.png": picture()}
    page: Page = visit().page
    page.goto(f"{empty}/import")
    hand_in(page, zipped(tmp_path / "odd.zip", files))
    card = job(page, "asks you")
    page.wait_for_timeout(1500)  # the list asks again meanwhile: what is typed must stay
    card.get_by_label("Nemo").select_option("importer")
    card.get_by_role("button", name="Go on").click()
    expect(card.get_by_role("alert")).to_contain_text("Still open: Ratlosia, Zweifelia")
    card.get_by_role("button", name="Choose the taxon that Zweifelia means").click()
    page.get_by_label("Taxon", exact=True).fill("Copepoda")
    expect(page.locator(".search-name").first).to_have_text("Copepoda")
    page.keyboard.press("Enter")
    card.get_by_role("button", name="Make Ratlosia").click()
    card.get_by_role("button", name="Go on").click()
    done = job(page, "done")
    expect(done.locator(".facts")).to_contain_text("3")
    taxa = people.get(f"/api{empty}/taxa").json()
    assert {row["name"]: row["validated"] for row in taxa} == {"Copepoda": 2, "Ratlosia": 1}
    done.get_by_role("link", name="Look at the objects").click()
    expect(page.locator("#project-share")).to_contain_text("3 of 3 validated")


@pytest.fixture
def zoe(people: httpx.Client, address: str) -> Iterator[httpx.Client]:
    """An annotator's client."""
    who = {"email": "zoe@sea.test", "name": "Zoe", "role": "annotator", "password": "sea and sky"}
    assert people.post("/api/users", json=who).status_code == 201
    with httpx.Client(base_url=address, timeout=60) as client:
        login = {"email": "zoe@sea.test", "password": "sea and sky"}
        token = client.post("/api/login", json=login).json()["token"]
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def test_settings_that_come_late_do_not_undo_what_was_chosen(visit: Any, make_sea: Any) -> None:
    """Nothing can be chosen, saved or added before the page knows what is there."""
    sea = make_sea("late settings", PLAN)
    taxa = sea.client.get(f"/api/projects/{sea.project}/taxa").json()
    chosen = {"taxon_ids": [taxa[0]["taxon_id"]]}
    base = f"/api/projects/{sea.project}"
    assert sea.client.put(f"{base}/taxon_list", json=chosen).status_code == 200
    page: Page = visit().page
    held: list[Route] = []
    address = f"**{base}/settings"
    page.route(address, lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    with page.expect_request(address):
        page.goto(f"/projects/{sea.project}/settings")
    expect(page.get_by_label("Private")).to_be_disabled()
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    expect(page.get_by_role("button", name="Add a taxon")).to_be_disabled()
    expect(page.get_by_role("button", name="Show these under vignettes")).to_be_hidden()
    held[0].continue_()
    page.unroute(address)
    page.get_by_label("Private").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#about-said")).to_have_text("Saved")
    assert sea.client.get(f"{base}/settings").json()["access"] == "private"
    expect(page.get_by_role("button", name="Add a taxon")).to_be_enabled()


def test_settings_say_who_sees_the_project_and_what_it_shows(
    visit: Any, make_sea: Any, zoe: httpx.Client
) -> None:
    sea = make_sea("settings", PLAN)
    page: Page = visit(own=True).page  # what is refused, browsers complain of
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"/projects/{sea.project}/settings")
    page.get_by_label("Private").check()
    page.locator("[name=licence]").select_option("CC BY 4.0")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#about-said")).to_have_text("Saved")
    assert zoe.get(f"/api/projects/{sea.project}").status_code == 404
    page.get_by_label("Address of a person of this shore").fill("nobody@sea.test")
    page.get_by_role("button", name="Add or change").click()
    expect(page.locator("#add-member").get_by_role("alert")).to_contain_text("no active user")
    page.get_by_label("Address of a person of this shore").fill("zoe@sea.test")
    page.locator("[name=may]").select_option("view")
    page.get_by_role("button", name="Add or change").click()
    expect(page.locator("#members")).to_contain_text("may look")
    assert zoe.get(f"/api/projects/{sea.project}").json()["right"] == "view"
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("alert").last).to_contain_text("last manager")
    page.get_by_role("button", name="Add a taxon").click()
    page.get_by_label("Taxon", exact=True).fill("Hydrozoa")
    expect(page.locator(".search-name").first).to_have_text("Hydrozoa")
    page.keyboard.press("Enter")
    expect(page.locator("#taxon-list")).to_contain_text("Hydrozoa")


def test_columns_are_shown_under_vignettes_and_filtered_by(visit: Any, make_sea: Any) -> None:
    sea = make_sea("columns", PLAN)
    page: Page = visit().page
    page.goto(f"/projects/{sea.project}/settings")
    for _ in range(60):  # the worker spreads measures soon after they came
        if page.locator(".column-choice").count():
            break
        page.wait_for_timeout(250)
        page.reload()
        expect(page.locator("#columns-form")).to_have_attribute("aria-busy", "false")
    page.get_by_label("Find a column").fill("area")
    page.get_by_role("checkbox", name="area number", exact=True).check()
    page.get_by_role("button", name="Show these under vignettes").click()
    expect(page.locator("#columns-said")).to_have_text("Saved")
    page.goto(f"{sea.review}?status=any")
    expect(page.locator(".cell")).to_have_count(len(PLAN))
    expect(page.locator(".cell .cell-free").first).to_contain_text("area")
    areas = sorted(float(dict(row["free"])["area"]) for row in sea.objects())
    page.get_by_label("Free column", exact=True).select_option("area")
    page.get_by_label("Lowest value").fill(str(areas[0] + 0.001))
    page.keyboard.press("Enter")
    fitting = sum(area > areas[0] + 0.001 for area in areas)
    expect(page.locator(".cell")).to_have_count(fitting)
    assert "free=area" in page.url
    page.reload()
    expect(page.get_by_label("Lowest value")).to_have_value(str(areas[0] + 0.001))
    page.get_by_label("Order").select_option("-free.area")
    expect(page).to_have_url(re.compile("sort=-free.area"))


def test_a_table_is_exported_followed_and_fetched(
    visit: Any, make_sea: Any, tmp_path: Path
) -> None:
    sea = make_sea("export", PLAN)
    page: Page = visit().page
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"/projects/{sea.project}/export")
    page.get_by_role("radio", name="Table").check()
    page.locator("[name=images]").select_option("first")
    page.get_by_role("button", name="Export", exact=True).click()
    card = job(page, "done")
    with page.expect_download() as taken:
        card.get_by_role("link", name="Download").click()
    with zipfile.ZipFile(str(taken.value.path())) as archive:
        names = archive.namelist()
    assert any(name.endswith(".tsv") for name in names)
    assert sum(name.endswith(".png") for name in names) == len(PLAN)
    page.goto("/jobs")
    mine = page.locator(".job", has_text="export").first
    expect(mine).to_contain_text("Export · general")
    page.get_by_role("button", name="Asking").click()
    expect(page.locator(".job", has_text="Export · general")).to_have_count(0)
    page.get_by_role("button", name="All", exact=True).click()
    expect(mine).to_contain_text("Export · general")
    number = page.locator(".job").count()
    mine.get_by_role("button", name="Remove job").click()
    expect(page.locator(".job")).to_have_count(number - 1)


def test_statistics_show_progress_people_and_agreement(visit: Any, make_sea: Any) -> None:
    sea = make_sea("numbers", PLAN)
    objids = [row["objid"] for row in sea.objects(sort="objid")]
    sea.classify("validate", objids[:3])
    sea.classify("discard", objids[3:])
    page: Page = visit(own=True).page
    page.goto(f"/projects/{sea.project}/statistics")
    expect(page.locator("#progress-now")).to_have_text("75 % of 4 objects validated")
    chart = page.locator("#progress svg")
    chart.focus()
    expect(page.locator("#progress .chart-said")).to_contain_text("3 validated, 1 discarded")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#progress .chart-said")).to_contain_text("no objects")
    expect(page.locator("#people tbody tr")).to_contain_text("4")
    expect(page.locator("#agreement")).to_contain_text("100 % of 3 predictions confirmed")
    expect(page.locator("#samples tbody tr")).to_contain_text("75 %")
    page.locator("[name=since]").fill("2020-01-01")
    page.locator("[name=until]").fill("2020-01-02")
    page.locator("[name=until]").press("Tab")
    expect(page.locator("#people")).to_contain_text("Nobody worked in this time.")
    page.locator("[name=since]").fill("2020-02-01")
    page.locator("[name=since]").press("Tab")
    expect(page.get_by_role("alert")).to_contain_text("until: expected 2020-02-01 or later")
