"""The first of two passes over an upload: everything is looked at, nothing is written.

What is wrong comes at once, each with file, line, column, value and remedy. What only a person can
say (who "J. Smith" is, which taxon "copepod<egg" means) comes as names to be asked for.

Example:
    >>> with open_upload(path, problems) as upload:
    ...     found = check_upload(upload, problems, pictures=True)
    >>> found.objects, found.people, problems.errors
    (20000, {('J. Smith', 'j@sea.test')}, 0)
"""

from collections.abc import Callable, Collection, Iterator

from server.ecotaxa.beside_reading import Beside, find_beside
from server.ecotaxa.check_lines import Lines
from server.ecotaxa.check_rows import RowChecker, note_columns
from server.ecotaxa.checked import Checked
from server.ecotaxa.problems import Problems
from server.ecotaxa.table import Table, read_table
from server.ecotaxa.upload import Upload, UploadError, is_misnamed_table, is_table

__all__ = ["Checked", "check_upload", "tables"]


def check_upload(
    upload: Upload,
    problems: Problems,
    *,
    pictures: bool,
    skipped: Collection[str] = (),
    progress: Callable[[int], None] = lambda rows: None,
) -> Checked:
    """Look at everything but the tables `skipped`; with `pictures` each image is opened too."""
    found = Checked(beside=find_beside(upload, problems))
    checker = RowChecker(upload, problems, found, pictures=pictures)
    for table in tables(upload, problems, found.beside, skipped):
        found.tables += 1
        note_columns(table, found, problems)
        lines = Lines.of(table, upload, found.beside, problems)
        for block in table.blocks():
            checker.check(table, block)
            lines.check(block, problems)
            progress(found.rows)
    if found.beside is not None:
        found.people.update(found.beside.people.values())
        for taxon in found.beside.told.taxa:
            found.taxa[taxon.name, taxon.ecotaxa_id] = taxon.path
    return found


def tables(
    upload: Upload,
    problems: Problems,
    beside: Beside | None = None,
    skipped: Collection[str] = (),
) -> Iterator[Table]:
    """The upload's tables that can be read, in order, but those `skipped`; the others are
    problems."""
    names = [name for name in upload.names if is_table(name)]
    bare = [] if beside is None else [name for name in beside.imageless if name in upload]
    for name in filter(is_misnamed_table, upload.names):
        remedy = "write ecotaxa in lower case: EcoTaxa passes this file over"
        problems.error("a table by its name, but not quite", remedy=remedy, file=name)
    if not names and beside is None and not problems.errors:
        remedy = "name the table ecotaxa_SOMETHING.tsv"
        problems.error("no table found", remedy=remedy, file="the upload")
    for name in (*names, *bare):
        if name in skipped:
            continue
        try:
            table = read_table(name, upload.read(name), problems, imageless=name in bare)
        except UploadError as error:
            problems.error(str(error), remedy="pack it again", file=name)
            continue
        if table is not None:
            yield table
