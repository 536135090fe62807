"""The page docs/benchmarks/shore.md: the rows of one run, and what was found with them.

Example:
    >>> page([Row("processors", 2, "")]).splitlines()[0]
    '# The shore at size'
"""

from collections.abc import Sequence

from models.figures import Row

_HEAD = """\
# The shore at size

`make bench-shore` fills shores with made-up objects (`seadrift bench shore --help`) and does what
EcoTaxa's users do, over HTTP, as a client sees it: medians, and the least of the requests beside
them, which other programs on the machine disturb least. The rows "elsewhere" are EcoTaxa's,
measured before on a machine of two cores with 41,000 objects; they are not of this run. The large
project has 60 % of the objects. Where the load of the machine is far above its processors, times
are several times those of a quiet one; growth, recall and plans are not.

The rows are in [shore.json](shore.json), the plans of the page queries in [shore/](shore/).

| | found | to reach | |
|---|---:|---:|---|
"""
_FOUND = """
## What is behind it

- **Pages** walk an index for the numbers of a hundred objects and join the rest for those alone:
  their time does not grow with the database. Pages by score of any status take the first of each
  status along `ix_objects_status` or `ix_objects_review` and merge them: 1.4 s became less than a
  tenth at 6,000,000 objects, without an index more for the intake to write.
- **A free column** is filtered along an index of that column and project, made in the background
  when people first filter a project of 100,000 objects or more by it
  (`server/db/free_indexes.py`): 10 s and 180 MB at 6,000,000 objects, and 1.0 s became
  milliseconds where few objects fit. What grows is the exact count of those that fit: where one
  in eight does, counting 760,000 index entries is most of the time.
- **Without an index** stay the review page in random order or by size over a whole project, a
  sort by a free column that is not filtered too, and a filter by depth or position: some seconds
  at 6,000,000 objects. Each would cost every intake a further index.
- **Objects like one another**: vectors of a byte a value lie in cells in a mapped file; the
  nearest cells with one row in twenty are looked through, and the 200 best compared again with
  the database's own values. On 1,000,000 vectors drawn around real ones the choice took 2 ms and
  kept 99 % of the 100 nearest by L2 (looking at 20,000 rows 96 %, at 200,000 99.97 %); usearch's
  exact scan of the same bytes took 182 ms on one core. L2, as EcoTaxa: on the Scripps camera's
  crops 60.3 % of the 20 nearest are of the same taxon, with the cosine 60.8 %.
- **Filling** copies blocks inside the database: ten million objects are 12 GB.
"""


def page(rows: Sequence[Row]) -> str:
    """The page of these rows."""
    return _HEAD + "\n".join(_line(row) for row in rows) + "\n" + _FOUND


def _line(row: Row) -> str:
    if row.value is None:
        return f"| {row.name} | {row.unit} | {row.target or ''} | |"
    digits = 0 if row.value >= 1000 else 1 if row.value >= 10 else 2
    holds = {None: "", True: "holds", False: "does not hold"}[row.holds]
    return f"| {row.name} | {row.value:,.{digits}f} {row.unit} | {row.target or ''} | {holds} |"
