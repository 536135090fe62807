"""What operators see, in a real browser: the quarantine, a device, its orders, tokens, the log."""

import time
from dataclasses import replace
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from models.bundle import Bundle
from server.simulated import make_object, make_record
from wire.records import Answer, Clock, Gap, Health

pytestmark = pytest.mark.browser


def test_a_bad_field_is_found_repaired_and_taken_in(
    visit: Any, make_sea: Any, bundle: Bundle
) -> None:
    sea = make_sea("quarantine", [])
    bad = [make_record(n, make_object(bundle, n, esd_um=-1.0)) for n in (1, 2, 3)]
    sea.device.ingest(bad)
    page: Page = visit(360, 800, own=True).page
    page.goto(f"/quarantine?device={sea.device.device_id}")
    expect(page.locator("tbody tr")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("tbody tr").last.get_by_role("link").first.click()
    expect(page.locator(".tree-line[data-wrong=true]")).to_contain_text("esd_um")
    expect(page.get_by_role("button", name="Take in")).to_be_disabled()
    area = page.get_by_label("The record", exact=True).and_(page.locator("textarea"))
    text = area.input_value()
    area.fill(text.replace('"esd_um": -1.0', '"esd_um": -2.0'))
    page.get_by_role("button", name="Keep the repair").click()
    expect(page.get_by_role("alert")).to_contain_text("ObjectBody.esd_um: expected above 0")
    area.fill(text.replace('"esd_um": -1.0', '"esd_um": 222'))
    page.get_by_role("button", name="Keep the repair").click()
    page.get_by_role("button", name="Take in").click()
    expect(page.locator(".page-head .badge")).to_have_text("taken in")
    expect(page.get_by_label("History")).to_contain_text("ada@sea.test")
    assert [row["esd_um"] for row in sea.objects()] == [222.0]
    page.go_back()
    page.reload()
    page.get_by_label("Choose all shown").wait_for(state="attached")
    for box in page.locator("tbody input").all():
        box.check()
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("textbox", name="Reason").fill("a dry run")
    page.keyboard.press("Enter")
    expect(page.locator("#outcome")).to_contain_text("2 entries discarded")
    expect(page.locator("#entries")).to_contain_text("Nothing here")


def test_a_device_tells_what_it_needs_and_takes_orders(
    visit: Any, make_sea: Any, bundle: Bundle
) -> None:
    sea = make_sea("device", [])
    hour, now = 3_600_000, int(time.time() * 1000)
    reports = [
        replace(
            make_record(n, Health(9.0, 10 * n, 900, 8000.0 - n, None, dead=2)),
            utc_ms=now - (40 - n) * hour // 2,
        )
        for n in range(1, 40)
    ]
    gap = make_record(50, Gap("vignette", 6, 900, "outbox full", ((40, 45),)))
    late = make_record(51, make_object(bundle, 5, measures=b"", embedding=b"", shape=b""))
    clock = make_record(52, Clock(1, 52_000, now, "shore"))
    assert not sea.device.ingest([*reports, gap, late, clock]).rej
    page: Page = visit(1280, 900).page
    page.goto("/devices")
    expect(page.locator("tbody tr").first).to_contain_text("set aside on the device")
    page.goto(f"/devices/{sea.device.device_id}")
    expect(page.locator(".needs")).to_contain_text("6 records given up by the device")
    expect(page.locator(".plot svg path")).to_have_count(2)
    expect(page.locator("#device")).to_contain_text("outbox full")
    expect(page.locator("#device")).to_contain_text("Missing: 46–49")
    page.get_by_text("Give an order").click()
    page.get_by_label("Order").and_(page.locator("select")).select_option("wipe")
    page.get_by_label("Type mooring-2 to confirm").fill("mooring")
    page.get_by_role("button", name="Give the order").click()
    expect(page.get_by_role("alert")).to_contain_text("Type mooring-2")
    page.get_by_label("Order").and_(page.locator("select")).select_option("priorities")
    page.get_by_role("button", name="Give the order").click()
    expect(page.get_by_role("region", name="Orders")).to_contain_text("waits for the device")
    objid = sea.objects()[0]["objid"]
    page.goto(f"/objects/{objid}")
    expect(page.locator(".marks")).to_contain_text("dated later")
    page.get_by_role("button", name="Ask for the vignette").click()
    expect(page.get_by_role("button", name="Asked")).to_be_disabled()
    assert len(sea.device.hello(next_seq=53)["commands"]) == 2
    sea.device.ingest([make_record(53, Answer(1, True)), make_record(54, Answer(2, False, "gone"))])
    page.goto(f"/devices/{sea.device.device_id}")
    expect(page.get_by_role("region", name="Orders")).to_contain_text("gone")


def test_a_token_is_shown_once_and_ends_at_once(visit: Any, address: str) -> None:
    page: Page = visit().page
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/account")
    page.get_by_label("Name").fill("nightly export")
    page.get_by_role("button", name="Make a token").click()
    secret = page.locator("#token-secret")
    expect(secret).not_to_be_empty()
    token = secret.inner_text()
    show = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{address}/api/projects", headers=show).status_code == 200
    page.get_by_role("button", name="I have it").click()
    page.reload()
    expect(page.locator("#tokens")).to_contain_text("nightly export")
    assert token not in page.content()
    page.get_by_role("button", name="Revoke nightly export").click()
    expect(page.locator("#tokens")).to_contain_text("revoked")
    assert httpx.get(f"{address}/api/projects", headers=show).status_code == 401
    page.goto("/audit")
    page.get_by_label("Who").fill("ada@sea.test")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("tbody tr", has_text="nightly export")).to_have_count(2)
