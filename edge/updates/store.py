"""The files of the releases: two slots, the factory bundle, the state, and a download that resumes.

    releases/state.json     the state, replaced whole at each step
    releases/a.seadrift     slot A
    releases/b.seadrift     slot B
    releases/ID.part        a download that is not complete

The factory bundle belongs to the installed program and is never written. A state that cannot be
read means: run the factory release and ask the shore.

Example:
    >>> store = ReleaseStore(Path("data/releases"))
    >>> store.save(store.load())
"""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from edge.files import sync_folder, write_atomic
from edge.updates.state import FACTORY, SLOTS, Notice, UpdateState
from models import factory
from models.archive import MAX_ARCHIVE_BYTES
from models.bundle import Bundle, BundleError
from wire.checked import FieldError, read

log = logging.getLogger("seadrift.updates")

STATE = "state.json"


class ReleaseStore:
    """Everything on disk about releases."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def load(self) -> UpdateState:
        """The stored state; that of a new instrument when there is none that can be read."""
        path = self.folder / STATE
        try:
            data = json.loads(path.read_text())
            notices = tuple(read(Notice, item) for item in data["notices"])
            state = replace(read(UpdateState, {**data, "notices": ()}), notices=notices)
        except FileNotFoundError:
            return UpdateState()
        except (OSError, ValueError, TypeError, KeyError, FieldError) as error:
            log.warning("%s: damaged (%s); running the factory release", path, error)
            return UpdateState()
        known = state.active in (FACTORY, *SLOTS) and set(state.slots) <= set(SLOTS)
        return state if known else UpdateState()

    def save(self, state: UpdateState) -> None:
        """Durable when it returns. Raises OSError."""
        write_atomic(self.folder / STATE, json.dumps(asdict(state), indent=1).encode())

    def path(self, slot: str) -> Path:
        return factory.path() if slot == FACTORY else self.folder / f"{slot}.seadrift"

    def bundle(self, slot: str) -> Bundle:
        """The checked bundle in a slot. Raises BundleError or OSError."""
        return Bundle.load(self.path(slot))

    def part_size(self, release: str) -> int:
        """How much of a download is here, in bytes."""
        try:
            return self._part(release).stat().st_size
        except FileNotFoundError:
            return 0

    def extend(self, release: str, chunks: Iterator[bytes]) -> None:
        """Append to a download. Raises BundleError when it grows beyond any bundle."""
        for other in self.folder.glob("*.part"):
            if other != self._part(release):
                other.unlink()
        with self._part(release).open("ab") as file:
            for chunk in chunks:
                if file.tell() + len(chunk) > MAX_ARCHIVE_BYTES:
                    raise BundleError(f"more than {MAX_ARCHIVE_BYTES} bytes")
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())

    def drop_part(self, release: str) -> None:
        self._part(release).unlink(missing_ok=True)

    def settle(self, release: str, slot: str) -> None:
        """A complete download takes its slot. Raises BundleError when it is not that release."""
        part = self._part(release)
        found = Bundle.load(part).release_id
        if found != release:
            raise BundleError(f"expected release {release[:12]}, got {found[:12]}")
        os.replace(part, self.path(slot))
        sync_folder(self.folder)

    def _part(self, release: str) -> Path:
        return self.folder / f"{release}.part"
