"""The shore: takes in what instruments send, lets people check it, teaches the network, sends it
back.

Rooms: `intake` (records, exactly once), `store` (vignette packs), `db` (all SQL), `auth`, `api`
(JSON over HTTP, one noun per file), `web` (pages), `learning` (head, evaluation), `fleet` (releases
to devices), `taxonomy`, `commands` (the command line).

Example:
    $ seadrift serve --data shore
"""

VERSION = "0.1.0"
API = 1
"""Version of the device API under /v1."""
