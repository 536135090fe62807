"""What the first pass finds in an upload: what is in it, and what has to be asked for.

Example:
    >>> found.objects, sorted(found.categories), found.people
    (20000, ['Copepoda', 'egg<Copepoda'], {('J. Smith', 'j@sea.test')})
"""

from dataclasses import dataclass, field

from server.db.imported import Person, TaxonKey
from server.ecotaxa.beside_reading import Beside
from server.ecotaxa.pictures import PictureKind


@dataclass
class Checked:
    """`taxa` are the categories, each with its place in the tree where the table tells it, ""
    elsewhere; `people` are (name, email) of those who annotated."""

    tables: int = 0
    rows: int = 0
    objects: int = 0
    images: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    taxa: dict[TaxonKey, str] = field(default_factory=dict)
    people: set[Person] = field(default_factory=set)
    samples: set[str] = field(default_factory=set)
    acquisitions: dict[str, str] = field(default_factory=dict)
    """acquisition id -> the sample that has it."""
    free_columns: dict[str, str] = field(default_factory=dict)
    """name -> "t" or "f", over all tables."""
    pictures: dict[str, PictureKind] = field(default_factory=dict)
    """What each image is, by its name in the upload."""
    beside: Beside | None = None
    """What a backup of a shore has beside its tables."""

    @property
    def categories(self) -> set[str]:
        """Taxa that have a name."""
        return {name for name, _ in self.taxa if name}

    @property
    def category_ids(self) -> set[int]:
        """Numbers of EcoTaxa's that stand alone."""
        return {number for name, number in self.taxa if number is not None and not name}
