"""The pages' own files (modules, styles, logo), served from memory under one version.

Invariant: only what lies in `static/` when the server starts is served, by exact name, so no path
in a request ever reaches the disk. The version is a hash of all files: a changed file changes every
address, and each address may be cached for ever. Modules import each other relatively, so all of a
page are of one version.

Example:
    >>> assets = Assets.load(Path("server/web/static"))
    >>> assets.prefix
    '/static/3f2a9c81d0'
    >>> assets.find("js/grid.js").media_type
    'text/javascript'
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MEDIA_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
"""What a page may load; a file of another kind is not served."""


@dataclass(frozen=True)
class Asset:
    content: bytes
    media_type: str


@dataclass(frozen=True)
class Assets:
    version: str
    files: Mapping[str, Asset]

    @classmethod
    def load(cls, folder: Path) -> "Assets":
        """Read every servable file below `folder`. Raises OSError."""
        files = {
            path.relative_to(folder).as_posix(): Asset(path.read_bytes(), MEDIA_TYPES[path.suffix])
            for path in sorted(folder.rglob("*"))
            if path.suffix in MEDIA_TYPES
        }
        digest = hashlib.sha256()
        for name, asset in files.items():
            digest.update(name.encode() + b"\0" + hashlib.sha256(asset.content).digest())
        return cls(digest.hexdigest()[:10], files)

    @property
    def prefix(self) -> str:
        return f"/static/{self.version}"

    def find(self, name: str) -> Asset | None:
        return self.files.get(name)
