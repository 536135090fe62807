"""What stands beside the tables of a backup, in `seadrift/`: what EcoTaxa's form cannot carry.

EcoTaxa passes these files over (no name begins with `ecotaxa`); a shore reads them and so has the
project exactly: whole histories and who made them, numbers that are not finite, long texts,
milliseconds, releases, names as they were. `seadrift/project.json` says the version, the order of
fields in all other files, and which of them belongs to which table.

Invariant: the table is what counts. A line here holds the digest of its object's row; where a
person has changed the row since, the line is passed over.

Example, one line of `seadrift/objects_1_1.jsonl`:
    ["cast1_a_f_0", "9f86d081884c7d65", [...object...], [...values...], null, ["D", null], {}, 0,
     [[3, null, null, "U", null, "V", 17, 0.0, true, null, 1790000000123]], [], [[0, "PNG", ""]]]
"""

import hashlib

FOLDER = "seadrift"
PROJECT = f"{FOLDER}/project.json"
ACTIONS = f"{FOLDER}/actions.jsonl"
VERSION = 1
LINE = (
    "id", "row", "object", "values", "exact", "kept", "free", "event", "events", "replaced",
    "images",
)  # fmt: skip
"""What a line of an object holds: `free` are free columns by name that the table does not hold as
they are; `event` the place of the present one in `events`, null for none."""
ACTION = (
    "id", "user_id", "kind", "request_hash", "taxon_id", "target_id", "undone", "changed",
    "created_ms",
)  # fmt: skip
IMAGE = ("rank", "format", "file_name")


def row_digest(row: str) -> str:
    """The digest of a table's row, without the two cells of its image in front."""
    return hashlib.blake2b(row.split("\t", 2)[2].encode(), digest_size=8).hexdigest()


def is_backup(name: str) -> bool:
    """Whether a file of this name makes an upload a shore's own backup."""
    return name == PROJECT or name.endswith(f"/{PROJECT}")
