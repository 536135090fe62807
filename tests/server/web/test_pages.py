"""Every page in a real browser: the door, wide and narrow, hostile names, devices, releases."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from server.web.routes import ASSETS, TABS

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="alert(1)">'
PLAN = [("Copepoda", round(0.1 + 0.02 * n, 3)) for n in range(20)]
HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "review-objects.md"


def test_the_door_opens_to_those_with_a_key(visit: Any, make_sea: Any) -> None:
    sea = make_sea("door", PLAN)
    page: Page = visit(own=True, known=False).page
    page.goto(sea.review + "?status=P")
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("Email").fill("ada@sea.test")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("No user has this address and password.")
    page.get_by_label("Password").fill("a long password for the sea")
    page.keyboard.press("Enter")
    expect(page.locator("#page-text")).to_have_text("1–20 of 20")
    page.goto("/projects")
    expect(page).to_have_title("Projects · Seadrift")
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile("/login$"))
    page.goto("/devices")
    expect(page).to_have_url(re.compile("/login"))


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_every_page_fits_its_width(visit: Any, make_sea: Any, width: int, scheme: str) -> None:
    sea = make_sea(f"fits {width}", PLAN)
    objid = sea.objects()[0]["objid"]
    page: Page = visit(width, 844, scheme=scheme).page
    device = f"/devices/{sea.device.device_id}"
    people = ("/", "/releases", sea.review, f"/objects/{objid}", "/account")
    tabs = [f"/projects/{sea.project}/{tab}" for tab, _ in TABS]
    for path in (*people, *tabs, "/jobs", "/devices", device, "/quarantine", "/audit"):
        page.goto(path)
        expect(page.locator(READY).first).to_be_visible()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path
        nameless = page.evaluate(NAMELESS)
        assert nameless == [], path


READY = "[aria-busy=false], .cell img"
"""What a page has once its data are there."""
NAMELESS = """[...document.querySelectorAll("button, a, input, select, textarea, img")]
  .filter((e) => e.offsetParent && !e.matches("img[alt]") && !(
    e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length || e.title))
  .map((e) => e.outerHTML)"""


def test_a_narrow_screen_sorts_by_finger(visit: Any, make_sea: Any) -> None:
    sea = make_sea("finger", PLAN)
    page: Page = visit(390, 844).page
    page.goto(sea.review)
    expect(page.locator(".cell")).to_have_count(20)
    page.locator(".cell").nth(1).click()
    page.locator(".cell").nth(2).click()
    page.get_by_role("button", name="Validate", exact=True).click()
    expect(page.locator("#page-text")).to_have_text("1–18 of 18")
    expect(page.locator("#outbox")).to_have_text("All saved")
    assert sea.count(status="V") == 2
    page.get_by_role("button", name="Taxa").click()
    page.locator(".taxon", has_text="All taxa").click()
    expect(page.locator("#taxa-panel")).not_to_be_in_viewport()


def test_hostile_names_stay_names(visit: Any, make_sea: Any) -> None:
    sea = make_sea(f"{HOSTILE} project", [(HOSTILE, 0.5), *PLAN])
    objid = sea.objects(sort="-score")[0]["objid"]
    page: Page = visit().page
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
    page.goto("/")
    expect(page.get_by_role("link", name=f"{HOSTILE} project")).to_be_visible()
    for path in (f"{sea.review}?status=any", f"/objects/{objid}", "/devices", "/releases"):
        page.goto(path)
        expect(page.locator(READY).first).to_be_visible()
        assert page.locator("img[onerror]").count() == 0, path
    page.goto(f"{sea.review}?status=P&sort=-score")
    expect(page.locator(".cell-taxon", has_text=HOSTILE)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("<img")
    expect(page.locator(".search-name").first).to_have_text(HOSTILE)
    page.keyboard.press("Enter")
    expect(page.locator("#page-text")).to_have_text("1–20 of 20")


def test_one_object_tells_everything(visit: Any, make_sea: Any) -> None:
    sea = make_sea("object", PLAN)
    page: Page = visit().page
    page.goto(f"/objects/{sea.objects()[0]['objid']}")
    expect(page.locator(".portrait img")).to_be_visible()
    expect(page.locator(".portrait .scale-bar")).to_contain_text("µm")
    expect(page.locator(".measures div")).not_to_have_count(0)
    page.get_by_role("button", name="Dubious").click()
    expect(page.locator(".history li").first).to_contain_text("Marked dubious")
    assert sea.count(status="D") == 1
    page.get_by_role("button", name="Relabel").click()
    page.keyboard.type("Hydrozoa")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Hydrozoa")
    assert sea.objects(status="V")[0]["taxon"] == "Hydrozoa"


def test_what_is_not_there_is_said(visit: Any) -> None:
    page: Page = visit(own=True).page
    page.goto("/objects/4611686018427387")
    expect(page.locator("main")).to_contain_text("is not here")
    page.goto("/projects/4611686018427387/review")
    expect(page.locator("main")).to_contain_text("is not here")


def test_a_claim_is_shown_once_and_a_device_can_be_revoked(visit: Any, make_sea: Any) -> None:
    sea = make_sea("claims", [])
    page: Page = visit().page
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/devices")
    page.get_by_role("button", name="Enrol a device").click()
    page.get_by_label("Project").select_option("claims")
    page.get_by_label("Name of the device").fill("glider-7")
    page.get_by_role("button", name="Make a claim").click()
    config = page.locator("#claim-config")
    expect(config).to_have_value(re.compile('name = "glider-7"(.|\n)*claim = ".{20,}"'))
    page.get_by_role("button", name="Close").click()
    expect(config).to_have_value("")
    page.goto(f"/devices/{sea.device.device_id}")
    page.get_by_role("button", name="Revoke").click()
    confirm = page.locator("#revoke-dialog")
    confirm.get_by_label("Type its name").fill("mooring")
    confirm.get_by_role("button", name="Revoke").click()
    expect(confirm).to_be_visible()
    confirm.get_by_label("Type its name").fill("mooring-2")
    confirm.get_by_role("button", name="Revoke").click()
    expect(page.locator(".page-head .badge")).to_have_text("revoked")
    states = {row["device_id"]: row["status"] for row in sea.client.get("/api/devices").json()}
    assert states[sea.device.device_id] == "revoked"


def test_train_sign_and_assign(visit: Any, make_sea: Any) -> None:
    names = ("Copepoda", "bubble", "aggregate")
    sea = make_sea("school", [(names[n % 3], 0.5) for n in range(72)])
    for row in sea.client.get(f"/api/projects/{sea.project}/taxa").json():
        objids = [o["objid"] for o in sea.objects(taxon_id=row["taxon_id"])]
        sea.classify("validate", objids)
    page: Page = visit().page
    page.goto("/releases")
    page.locator("#train-project").select_option("school")
    page.get_by_role("button", name="Train now").click()
    expect(page.locator("#outcome")).to_contain_text("Learned from", timeout=60_000)
    card = page.locator("#releases article").first
    expect(card.get_by_role("button", name="Assign")).to_be_disabled()
    card.get_by_role("button", name="Sign", exact=True).click()
    expect(card.locator(".badge")).to_have_text("signed")
    card.get_by_role("button", name="Assign").click()
    chosen = page.locator("#assign-devices input:checked")
    expect(chosen).to_have_attribute("value", sea.device.device_id)
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("assigned to 1 device")
    devices = {row["device_id"]: row for row in sea.client.get("/api/devices").json()}
    assert devices[sea.device.device_id]["deployment"]["state"] == "assigned"


def test_every_key_is_in_the_how_to(visit: Any, make_sea: Any) -> None:
    sea = make_sea("how to", PLAN)
    page: Page = visit().page
    page.goto(sea.review)
    keymap = page.evaluate(f"import('{ASSETS.prefix}/js/keymap.js').then((m) => m.KEYMAP)")
    text = HOW_TO.read_text()
    assert len(keymap) > 20
    for binding in keymap:
        for label in binding["labels"]:
            assert f"`{label}`" in text, f"{label} ({binding['does']}) is not in {HOW_TO.name}"
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    shown = page.locator("#help kbd").all_inner_texts()
    assert shown == [label for binding in keymap for label in binding["labels"]]
