"""The page of promises has a line for each that the laboratory puts to the test."""

from tests.faults.__main__ import PAGE
from tests.faults.laboratory import PROMISES


def test_every_promise_is_on_the_page_and_nothing_was_lost() -> None:
    table = PAGE.read_text().partition("<!-- table -->")[2].partition("<!-- end of table -->")[0]
    rows = [line.split(" | ") for line in table.strip().splitlines()[2:]]
    assert {row[0].removeprefix("| ") for row in rows} == set(PROMISES.values())
    assert {(row[3], row[4].rstrip(" |")) for row in rows} == {("0", "0")}
