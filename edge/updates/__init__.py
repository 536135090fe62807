"""Taking a release: fetched, verified, tried beside the old one, committed or given up.

`state` holds the decisions as pure functions, `store` the files of the slots, `updater` does it.
"""
