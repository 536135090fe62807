"""Every endpoint, command and option of the shore is in its how-to."""

import re
from pathlib import Path

from server.app import ROOMS
from server.auth.roles import ROLES
from server.cli import COMMANDS, build_parser

GUIDE = (Path(__file__).parents[2] / "docs/how-to/run-the-shore.md").read_text(encoding="utf-8")


def test_every_endpoint_of_people_is_documented() -> None:
    documented = re.sub(r"{[^}]*}", "{}", GUIDE.replace("`.../redo`", "`/api/projects/{id}/redo`"))
    for room in ROOMS:
        for route in room.router.routes:
            path = re.sub(r"{[^}]*}", "{}", route.path)
            if path.startswith("/api/") and path not in ("/api/logout", "/api/me"):
                assert path in documented, path


def test_every_command_option_role_and_code_is_documented() -> None:
    for command in COMMANDS:
        assert f"seadrift {command}" in GUIDE, command
    serve = build_parser("serve").parse_args(["serve", "--data", "x"])
    for name in set(vars(serve)) - {"command", "run"}:
        assert f"--{name.replace('_', '-')}" in GUIDE, name
    for role in ROLES:
        assert f"| {role} |" in GUIDE
    for code in ("schema", "too_big", "hash_conflict", "revoked"):
        assert f"| `{code}` |" in GUIDE
