"""Where a run goes on: at the frame after the last one done, if the source is still the same.

The cursor counts frames of one source. Another source begins at its own first frame; the same
folder with files added or removed before the cursor is refused, since going on would skip or repeat
frames in silence.

Example:
    >>> start(Bookmark(2, "folder:/frames", "b.png"), "folder:/frames", ["a.png", "b.png", "c.png"])
    2
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edge.config import Config
from edge.outbox import Outbox
from edge.sources import SourceError


@dataclass(frozen=True)
class Bookmark:
    """What the outbox stores with each frame. `source` and `last_frame` may be unknown ("")."""

    cursor: int
    source: str = ""
    last_frame: str = ""

    @classmethod
    def of(cls, outbox: Outbox) -> "Bookmark":
        return cls(
            int(outbox.cursor or 0), outbox.fact("source") or "", outbox.fact("last_frame") or ""
        )


def name_of(config: Config) -> str:
    """What tells one source from another."""
    source = config.source
    if source.kind == "simulator":
        return f"simulator:{source.simulator.get('seed', '')}"
    return f"{source.kind}:{config.resolve(source.path)}"


def start(bookmark: Bookmark, source: str, names: Sequence[str] | None) -> int:
    """The index of the next frame. `names` are the source's frames in order, if it has names.

    Raises SourceError when they are not those that the cursor counted."""
    if bookmark.source and bookmark.source != source:
        return 0
    cursor = bookmark.cursor
    if names is None or not cursor or not bookmark.last_frame:
        return cursor
    found = names[cursor - 1] if cursor <= len(names) else "not there"
    if found != bookmark.last_frame:
        raise SourceError(
            f"[source] path: {source.partition(':')[2]}: frame {cursor - 1} was"
            f" {bookmark.last_frame} and is now {found}: files were added or removed before it; put"
            " them back as they were, or give this run its own [device] data"
        )
    return cursor
