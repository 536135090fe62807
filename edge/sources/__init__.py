"""Where frames come from when there is no camera: a folder of pictures, or a zip of them.

``open_source(path)`` tells which of the two it is. Each picture becomes a frame or, with the
reason, a bad frame; ``quarantine`` keeps a copy of the bad ones beside the results.
"""

from edge.sources.files import FileSource, FolderSource, SourceError, ZipSource, open_source
from edge.sources.quarantine import quarantine
from models.decode import UnreadableError, decode

__all__ = [
    "FileSource",
    "FolderSource",
    "SourceError",
    "UnreadableError",
    "ZipSource",
    "decode",
    "open_source",
    "quarantine",
]
