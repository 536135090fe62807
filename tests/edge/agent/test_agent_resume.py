"""A run goes on after the last frame done, of the same source, or says why it cannot."""

import pytest

from edge.agent.resume import Bookmark, start
from edge.sources import SourceError

HERE = "folder:/frames"
NAMES = ["a.png", "b.png", "c.png"]


def test_it_goes_on_where_it_stopped() -> None:
    assert start(Bookmark(2, HERE, "b.png"), HERE, NAMES) == 2
    assert start(Bookmark(3, HERE, "c.png"), HERE, NAMES) == 3
    assert start(Bookmark(2, HERE, "b.png"), HERE, [*NAMES, "d.png"]) == 2
    assert start(Bookmark(0), HERE, NAMES) == 0
    assert start(Bookmark(7, "simulator:1", "sim"), "simulator:1", None) == 7


def test_another_source_begins_at_its_first_frame() -> None:
    assert start(Bookmark(2, "folder:/others", "b.png"), HERE, NAMES) == 0


def test_a_bookmark_that_lost_its_names_is_believed() -> None:
    assert start(Bookmark(2), HERE, NAMES) == 2


@pytest.mark.parametrize("names", [["0.png", *NAMES], ["b.png", "c.png"], ["a.png"], []])
def test_a_folder_that_changed_before_the_cursor_is_refused(names: list[str]) -> None:
    with pytest.raises(
        SourceError, match=r"/frames: frame 1 was b.png and is now .*\[device\] data"
    ):
        start(Bookmark(2, HERE, "b.png"), HERE, names)
