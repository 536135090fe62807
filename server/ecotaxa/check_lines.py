"""The lines beside a table, looked at with its rows: each must be sound, and say what its row says.

A row that a person has changed since the backup was written counts, and its line is passed over,
with a warning: its history is then not taken.

Example:
    >>> lines = Lines.of(table, upload, beside, problems)
    >>> lines.exact("o1", row)      # None for a row that was changed
    Exact(...)
"""

from server.db.imported import Exact
from server.ecotaxa.beside import row_digest
from server.ecotaxa.beside_lines import LineError, exact_of
from server.ecotaxa.beside_reading import Beside
from server.ecotaxa.problems import Problems
from server.ecotaxa.table import Block, Table
from server.ecotaxa.upload import Upload, UploadError

_REMEDY = "hand in the backup as it was written, or without the folder seadrift/"
_CHANGED = (
    "changed since the backup was written: its history is not taken",
    "nothing, if that is right",
)


class Lines:
    """The lines of one table; none where it has none beside it."""

    def __init__(self, file: str, lines: dict[str, str], beside: Beside | None) -> None:
        self._file = file
        self._lines = lines
        self._beside = beside
        columns = () if beside is None else beside.told.columns
        self._numbers = frozenset(column.name for column in columns if column.kind == "f")

    @classmethod
    def of(cls, table: Table, upload: Upload, beside: Beside | None, problems: Problems) -> "Lines":
        try:
            lines = {} if beside is None else beside.lines(table.file, upload)
        except (UploadError, ValueError, TypeError) as error:
            said = f"what stands beside it cannot be read: {str(error)[:200]}"
            problems.error(said, remedy=_REMEDY, file=table.file)
            lines = {}
        return cls(table.file, lines, beside)

    def exact(self, object_id: str, row: str) -> Exact | None:
        """The object as its line tells it, if the row is as it was written. Raises LineError."""
        line = self._lines.get(object_id)
        if line is None:
            return None
        found = exact_of(line, self._numbers)
        if self._beside is not None:
            self._beside.check_references(found)
        return found if found.digest == row_digest(row) else None

    def check(self, block: Block, problems: Problems) -> None:
        """Say what is wrong with the lines of these rows."""
        if not self._lines:
            return
        rows = zip(block.numbers, block.lines, block.column("object_id"), strict=True)
        for number, row, object_id in rows:
            try:
                if self.exact(object_id, row) is None and object_id in self._lines:
                    message = "changed since the backup was written: its history is not taken"
                    problems.warn(
                        message, remedy="nothing, if that is right", file=self._file, line=number
                    )
            except (LineError, IndexError) as error:
                problems.error(str(error), remedy=_REMEDY, file=self._file, line=number)
