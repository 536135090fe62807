"""What is attacked: paths to read, and what each path would take, were the one who asks allowed."""

from typing import Any

PATHS = [
    "/", "/login", "/devices", "/releases", "/objects/1", "/projects/1/review", "/favicon.ico",
    "/api/me", "/api/projects", "/api/projects/1", "/api/projects/1/objects", "/api/objects/1",
    "/api/objects/1/image", "/api/projects/1/taxa", "/api/projects/1/frames", "/api/taxa/search",
    "/api/devices", "/api/releases", "/api/quarantine", "/api/audit", "/api/users", "/api/tokens",
    "/api/openapi.json", "/v1/ping", "/v1/hello", "/v1/ingest", "/v1/key", "/v1/releases/x",
]  # fmt: skip
PUBLIC = {"/api/openapi.json"}
"""What a stranger may have under /api: EcoTaxa's part of the description, which its clients read
before they log in."""
BODIES: dict[str, Any] = {
    "/api/login": {"email": "admin@localhost", "password": "guess"},
    "/api/logout": {},
    "/api/me/password": {"old": "x", "new": "another password"},
    "/api/tokens": {"name": "mine", "role": "administrator", "valid_d": 1},
    "/api/users": {"email": "evil@siege.test", "role": "administrator"},
    "/api/projects": {"title": "evil"},
    "/api/projects/1/classify": {
        "action": "validate", "objids": [1, 2], "taxon_id": None,
        "key": "00000000-0000-4000-8000-000000000001",
    },
    "/api/projects/1/undo": {"key": "00000000-0000-4000-8000-000000000002"},
    "/api/projects/1/train": {"parent": None},
    "/api/taxa": {"name": "evil", "parent_id": 1},
    "/api/claims": {"project_id": 1, "name": "evil", "valid_h": 1},
    "/api/devices/1/revoke": {},
    "/api/releases/1/sign": {},
    "/api/releases/1/assign": {"device_ids": "all"},
    "/v1/enrol": {"claim": "x", "name": "n", "public_key": "A" * 43 + "=", "board": "b"},
}  # fmt: skip
