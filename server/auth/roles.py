"""Four roles, each of which may do what the one before it may.

viewer: look. annotator: validate, relabel, undo. manager: projects, taxa, claims, training,
releases, devices. administrator: users.

Example:
    >>> allows("manager", "annotator")
    True
"""

ROLES = ("viewer", "annotator", "manager", "administrator")


def allows(role: str, needed: str) -> bool:
    """Whether someone of `role` may do what `needed` may. An unknown role may nothing."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)
