"""The kept counts by day, made anew from the objects, events and actions themselves.

They are the oracle of what `server.db.counts` and `server.db.work` keep, and what a database needs
that was filled past them. Slow: it reads every event.

Example:
    >>> recount_days(connection)
"""

from sqlalchemy import Connection, delete, text

from server.db.tables import CountDay, WorkDay, WorkTaxon

_MOVED = """events e JOIN objects o ON o.objid = e.objid
    LEFT JOIN actions a ON a.id = e.action_id
    WHERE e.applied AND COALESCE(a.kind, '') <> 'import'"""
_CAME, _CHANGED = "o.received_ms / 86400000", "e.created_ms / 86400000"
_CHANGES = f"""
    SELECT project_id, received_ms / 86400000 AS day, status, 1 AS n FROM objects
    UNION ALL SELECT o.project_id, {_CHANGED}, e.new_status, 1 FROM {_MOVED}
    UNION ALL SELECT o.project_id, {_CHANGED}, e.old_status, -1 FROM {_MOVED}
    UNION ALL SELECT o.project_id, {_CAME}, e.new_status, -1 FROM {_MOVED}
    UNION ALL SELECT o.project_id, {_CAME}, e.old_status, 1 FROM {_MOVED}
"""  # noqa: S608 # no words of anybody's are in it
"""An object came with the status that it had before its events, each of which moved it; what an
import says that people did before it came, it came with."""
_COUNT_DAYS = f"""
    INSERT INTO count_days (project_id, day, status, shard, n)
    SELECT project_id, day, status, 0, SUM(n) FROM ({_CHANGES}) AS changes
    GROUP BY project_id, day, status HAVING SUM(n) <> 0
"""  # noqa: S608 # no words of anybody's are in it
_WORK_DAYS = """
    INSERT INTO work_days (project_id, user_id, day, actions, objects, timed, sessions, active_ms,
                           last_ms)
    SELECT project_id, user_id, created_ms / 86400000, COUNT(*), SUM(n),
           SUM(CASE WHEN gap BETWEEN 0 AND 300000 THEN n ELSE 0 END),
           SUM(CASE WHEN gap BETWEEN 0 AND 300000 THEN 0 ELSE 1 END),
           SUM(CASE WHEN gap BETWEEN 0 AND 300000 THEN gap ELSE 0 END), MAX(created_ms)
    FROM (SELECT project_id, user_id, created_ms,
                 CASE kind WHEN 'undo' THEN -changed ELSE changed END AS n,
                 created_ms - LAG(created_ms) OVER (
                     PARTITION BY project_id, user_id ORDER BY id) AS gap
          FROM actions WHERE kind <> 'import') AS timed
    GROUP BY project_id, user_id, created_ms / 86400000
"""
_SAID = """
    SELECT a.project_id, a.user_id, e.created_ms / 86400000 AS day,
           COALESCE(CASE a.kind WHEN 'undo' THEN e.old_taxon_id ELSE e.new_taxon_id END, 0)
               AS taxon_id,
           CASE a.kind WHEN 'undo' THEN e.old_status ELSE e.new_status END AS status,
           CASE a.kind WHEN 'undo' THEN -1 ELSE 1 END AS n
    FROM events e JOIN actions a ON a.id = e.action_id WHERE a.kind <> 'import'
"""
_WORK_TAXA = f"""
    INSERT INTO work_taxa (project_id, user_id, day, taxon_id, status, n)
    SELECT project_id, user_id, day, taxon_id, status, SUM(n) FROM ({_SAID}) AS said
    GROUP BY project_id, user_id, day, taxon_id, status HAVING SUM(n) <> 0
"""  # noqa: S608 # no words of anybody's are in it


def recount_days(connection: Connection) -> None:
    """Replace all of them, in the caller's transaction."""
    for table in (CountDay, WorkDay, WorkTaxon):
        connection.execute(delete(table))
    for statement in (_COUNT_DAYS, _WORK_DAYS, _WORK_TAXA):
        connection.execute(text(statement))
