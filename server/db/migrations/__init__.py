"""Revisions of the tables, one file each, in the order of their numbers (Alembic).

A change of `server.db.tables` comes with a revision: `python -m server.db.migrations "what, why"`
writes a draft of it from the difference, to be read and mended by hand. Raise `HEAD` of
`server.db.schema` with it.
"""
