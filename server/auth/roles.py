"""Four roles of people, each of which may do what the one before it may, and one of machines.

viewer: look. annotator: validate, relabel, undo. manager: projects, taxa, claims, training,
releases, devices. administrator: users, the audit log. A device signs its requests instead of
logging in; its role may nothing that people may.

Example:
    >>> allows("manager", "annotator"), allows(DEVICE, "viewer")
    (True, False)
"""

ROLES = ("viewer", "annotator", "manager", "administrator")
DEVICE = "device"


def allows(role: str, needed: str) -> bool:
    """Whether someone of `role` may do what `needed` may. An unknown role may nothing."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


def lower(one: str, other: str) -> str:
    """The role of the two that may less: a token's scope within what its owner may now."""
    return min(one, other, key=ROLES.index)
