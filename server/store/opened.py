"""The packs that the settings name: a folder, or a bucket.

Which of them is written into the data folder at the first start. A later start with another place
is refused: it would find none of the vignettes that the database names.

Example:
    >>> packs = open_packs(settings)
"""

from typing import TYPE_CHECKING

from server.auth.files import made_once
from server.settings import Settings
from server.store.folder_packs import FolderPacks
from server.store.packs import PackError, Packs

if TYPE_CHECKING:
    from server.store.bucket import Bucket

FOLDER = "folder"
OBJECT_BYTES = 16 << 20
"""What is written in one transaction becomes objects of about so much."""


def open_packs(settings: Settings) -> Packs:
    """Raises OSError, PackError for another place than that of the first start."""
    packs = _open(settings)
    try:
        remember(settings)
    except OSError:
        packs.close()
        raise
    return packs


def _open(settings: Settings) -> Packs:
    if not settings.packs_url:
        return FolderPacks(settings.packs, settings.pack_max)
    from server.store.object_packs import ObjectPacks

    return ObjectPacks(bucket_of(settings), OBJECT_BYTES)


def bucket_of(settings: Settings) -> "Bucket":
    """Raises BucketError."""
    from server.store.bucket import Bucket  # its library is for those who use a bucket

    return Bucket.open(settings.packs_url, settings.packs_endpoint, settings.packs_region)


def remember(settings: Settings) -> None:
    """Note where the packs are, or find that they are where they were. A folder without any yet may
    still be left for a bucket."""
    note, wanted = settings.data / "packs.place", settings.packs_url or FOLDER
    there = next(settings.packs.glob("*.pack"), None) if settings.packs.is_dir() else None
    if there is None and note.is_file() and note.read_text().strip() == FOLDER != wanted:
        note.unlink()
    noted = made_once(note, (FOLDER if there else wanted).encode).decode().strip()
    if noted == wanted:
        return
    raise PackError(
        f"the vignettes of {settings.data} are kept in "
        f"{'its folder' if noted == FOLDER else noted}, not in {settings.packs_url or 'its folder'}"
        f": {'leave --packs out' if noted == FOLDER else f'give --packs {noted}'}, or move the "
        "shore with `seadrift backup` and `seadrift restore`"
    )
