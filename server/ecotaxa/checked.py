"""What the first pass finds in an upload: what is in it, and what has to be asked for.

Example:
    >>> found.objects, sorted(found.categories), found.people
    (20000, ['Copepoda', 'egg<Copepoda'], {('J. Smith', 'j@sea.test')})
"""

from dataclasses import dataclass, field

from server.ecotaxa.pictures import PictureKind


@dataclass
class Checked:
    """`categories` are taxa by name, each with its place in the tree where the table tells it, ""
    elsewhere; `category_ids` EcoTaxa's numbers where there is no name; `people` are (name, email)
    of those who annotated."""

    tables: int = 0
    rows: int = 0
    objects: int = 0
    images: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)
    category_ids: set[int] = field(default_factory=set)
    people: set[tuple[str, str]] = field(default_factory=set)
    samples: set[str] = field(default_factory=set)
    acquisitions: dict[str, str] = field(default_factory=dict)
    """acquisition id -> the sample that has it."""
    free_columns: dict[str, str] = field(default_factory=dict)
    """name -> "t" or "f", over all tables."""
    pictures: dict[str, PictureKind] = field(default_factory=dict)
    """What each image is, by its name in the upload."""
