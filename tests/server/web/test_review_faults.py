"""The review page when things go wrong: the link dies, an answer is lost, the shore refuses."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser

PLAN = [("Copepoda", round(0.1 + 0.02 * n, 3)) for n in range(20)]


def opened(seen: Any, sea: Any) -> Page:
    page: Page = seen.page
    page.goto(sea.review)
    expect(page.locator(".cell").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    return page


def test_a_dead_link_loses_nothing(visit: Any, make_sea: Any) -> None:
    sea = make_sea("offline", PLAN)
    seen = visit(own=True)
    page = opened(seen, sea)
    seen.context.set_offline(True)
    for _ in range(3):
        page.keyboard.press("v")
    page.keyboard.press("d")
    page.keyboard.press("u")
    expect(page.locator("#outbox")).to_have_text("3 actions kept here")
    expect(page.locator("#page-text")).to_have_text("1–17 of 17")
    assert sea.count(status="V") == 0
    seen.context.set_offline(False)
    expect(page.locator("#outbox")).to_have_text("All saved")
    assert sea.count(status="V") == 3
    assert sea.count(status="D") == 0


def test_what_was_kept_is_sent_after_a_reload(visit: Any, make_sea: Any) -> None:
    sea = make_sea("kept", PLAN)
    seen = visit(own=True)
    page = opened(seen, sea)
    page.route("**/classify", lambda route: route.abort())
    page.keyboard.press("v")
    page.keyboard.press("x")
    expect(page.locator("#outbox")).to_have_text("2 actions kept here")
    page.unroute_all()
    page.reload()
    expect(page.locator("#page-text")).to_have_text("1–18 of 18")
    expect(page.locator("#outbox")).to_have_text("All saved")
    assert (sea.count(status="V"), sea.count(status="X")) == (1, 1)


def test_a_page_that_the_shore_gave_too_early_is_asked_for_again(visit: Any, make_sea: Any) -> None:
    """It shows objects as waiting that were sorted already, which the shore did not know yet."""
    sea = make_sea("early", PLAN)
    seen = visit(own=True)
    page = opened(seen, sea)
    page.route("**/classify", lambda route: route.abort())
    page.keyboard.press("v")
    expect(page.locator("#outbox")).to_have_text("1 action kept here")
    page.reload()
    expect(page.locator("#page-text")).to_have_text("1–20 of 20")
    page.unroute_all()
    expect(page.locator("#outbox")).to_have_text("All saved")
    expect(page.locator("#page-text")).to_have_text("1–19 of 19")
    expect(page.locator("#project-share")).to_contain_text("1 of 20 validated")


def test_a_lost_answer_counts_once(visit: Any, make_sea: Any) -> None:
    """The shore did it, the answer never came: sent again, it is the same action or undo."""
    sea = make_sea("lost", PLAN)
    seen = visit(own=True)
    page = opened(seen, sea)
    lost = []

    def lose_first(route: Route) -> None:
        route.fetch()
        lost.append(route.request.url)
        route.abort() if len(lost) % 2 else route.continue_()

    page.route("**/classify", lose_first)
    page.route("**/undo", lose_first)
    page.keyboard.press("v")
    expect(page.locator("#outbox")).to_have_text("All saved")
    page.keyboard.press("v")
    expect(page.locator("#outbox")).to_have_text("All saved")
    assert sea.count(status="V") == 2
    page.keyboard.press("u")
    expect(page.locator("#outbox")).to_have_text("All saved")
    assert len(lost) == 6
    assert sea.count(status="V") == 1


def test_a_refusal_is_put_back_and_can_be_tried_again(visit: Any, make_sea: Any) -> None:
    sea = make_sea("refused", PLAN)
    seen = visit(own=True)
    page = opened(seen, sea)
    answer = '{"error": {"code": "busy", "message": "Not today."}}'
    page.route(
        "**/classify",
        lambda route: route.fulfill(status=409, content_type="application/json", body=answer),
    )
    page.keyboard.press("v")
    notice = page.locator(".notice")
    expect(notice).to_contain_text("Not today. 1 object put back")
    expect(page.locator("#page-text")).to_have_text("1–20 of 20")
    page.unroute_all()
    notice.get_by_role("button", name="Try again").click()
    expect(page.locator("#page-text")).to_have_text("1–19 of 19")
    assert sea.count(status="V") == 1


def test_a_session_that_ended_keeps_the_work(visit: Any, make_sea: Any) -> None:
    sea = make_sea("ended", PLAN)
    seen = visit(own=True)
    page = opened(seen, sea)
    seen.context.clear_cookies()
    page.keyboard.press("v")
    expect(page.locator("#login-again")).to_contain_text("kept here")
    page.locator("#login-again a").click()
    page.get_by_label("Email").fill("ada@sea.test")
    page.get_by_label("Password").fill("a long password for the sea")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#page-text")).to_have_text("1–19 of 19")
    expect(page.locator("#outbox")).to_have_text("All saved")
    assert sea.count(status="V") == 1


def test_a_page_that_was_done_offline_is_turned_when_the_shore_is_back(
    visit: Any, make_sea: Any
) -> None:
    sea = make_sea("turned", [("Copepoda", round(0.001 * n, 4)) for n in range(430)])
    seen = visit(own=True)
    page = opened(seen, sea)
    with page.expect_response(lambda answer: "offset=400" in answer.url):  # fetched ahead
        page.keyboard.press("PageDown")
    expect(page.locator("#page-text")).to_have_text("201–400 of 430")
    page.wait_for_load_state("networkidle")
    page.route("**/api/**", lambda route: route.abort())
    page.keyboard.press("Control+a")
    page.keyboard.press("v")
    expect(page.locator("#page-text")).to_have_text("201–230 of 230")
    page.keyboard.press("Control+a")
    page.keyboard.press("v")
    expect(page.locator("#stage-note")).to_contain_text("as soon as the shore answers")
    expect(page.locator("#outbox")).to_contain_text("kept here")
    page.unroute_all()
    expect(page.locator("#outbox")).to_have_text("All saved")
    expect(page.locator(".cell").first).to_be_visible()
    expect(page.locator("#page-text")).to_have_text("1–200 of 200")
    assert sea.count(status="V") == 230
