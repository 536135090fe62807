"""The tables of the outbox's file.

`record` is what waits, in the order of its `id`; `dead` what the shore will never take, kept whole;
`blob` names files that wait beside it; `fact` small texts that belong to the same transactions: the
epoch, the source's cursor.
"""

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    kind TEXT NOT NULL,
    about INTEGER, -- the seq of the object that a vignette shows
    sure INTEGER NOT NULL DEFAULT 0, -- whether that object was surely recognised
    made_ms INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    sent INTEGER NOT NULL DEFAULT 0, -- times that it went without an answer yet
    size INTEGER NOT NULL,
    bytes BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS record_name ON record (epoch, seq);
-- these cover the order of sending and the counts: neither reads the records themselves
CREATE INDEX IF NOT EXISTS record_order ON record (failures, sent, priority, id, epoch, size);
CREATE INDEX IF NOT EXISTS record_count ON record (priority, kind, size);
CREATE INDEX IF NOT EXISTS record_about ON record (epoch, about) WHERE about IS NOT NULL;
CREATE TABLE IF NOT EXISTS blob (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    priority INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL, -- the name of the file
    epoch INTEGER NOT NULL,
    object_seq INTEGER NOT NULL, -- of the object that a vignette shows
    width INTEGER NOT NULL,
    height INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS dead (
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (epoch, seq)
);
"""
