"""Draft the next revision from the difference between the revisions so far and the tables.

Example:
    $ python -m server.db.migrations "objects know who owns them"
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from server.db.engine import Database
from server.db.schema import settings_for


def main(message: str) -> None:
    """Write the draft into `versions/`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder)
        database = Database.bare(f"sqlite:///{file / 'draft.db'}", file / "lock")
        with database.write() as connection:
            settings = settings_for(connection)
            revisions = list(ScriptDirectory.from_config(settings).walk_revisions())
            if revisions:
                command.upgrade(settings, "head")
            number = f"{len(revisions) + 1:04}"
            command.revision(settings, message, autogenerate=True, rev_id=number)
        database.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit('usage: python -m server.db.migrations "what and why"')
    main(sys.argv[1])
