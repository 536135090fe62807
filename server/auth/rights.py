"""What a person may in a project, decided from four facts.

Three rights, each of which holds the one before it, in EcoTaxa's words. view: look. annotate:
validate, relabel, undo, export. manage: import, settings, members, devices, training.
An administrator manages every project. A member may what the membership says. Everybody else may in
an open or public project what their role gives, and a private one does not exist for them.

Example:
    >>> right("annotator", "private", None) is None, right("viewer", "private", "manage")
    (True, 'manage')
"""

from typing import Literal

Right = Literal["view", "annotate", "manage"]
RIGHTS: tuple[Right, ...] = ("view", "annotate", "manage")
ACCESSES = ("open", "private", "public")
_OF_ROLE: dict[str, Right] = {
    "viewer": "view",
    "annotator": "annotate",
    "manager": "manage",
    "administrator": "manage",
}


def right(role: str, access: str, member: str | None, most: Right = "manage") -> Right | None:
    """The right of somebody of `role` who is a `member` (None: is none) in a project of this
    access; None when they must not know of it. `most` is what their personal token may."""
    if role == "administrator":
        return "manage"
    if member is None and access == "private":
        return None
    of_role = _OF_ROLE.get(role)
    found = of_role if member is None else known(member)
    return None if found is None else min(found, most, key=RIGHTS.index)


def known(word: str) -> Right | None:
    """The right of this name."""
    return next((one for one in RIGHTS if one == word), None)


def of_role(role: str) -> Right:
    """What a role gives in a project that is open."""
    return _OF_ROLE[role]


def suffices(found: Right | None, needed: Right) -> bool:
    """Whether somebody with the right `found` may do what `needed` may."""
    return found is not None and RIGHTS.index(found) >= RIGHTS.index(needed)
