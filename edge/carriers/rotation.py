"""A new key for an instrument that is at sea: announced with the old one, then used.

What a power cut leaves is done again at the next hello: the announcement is the same, and the shore
accepts both keys until it has seen the new one.

Example:
    >>> keys.prepare_next(identity.folder)
    >>> change_key(identity, link)
    True
"""

import logging

from edge.identity import Identity
from edge.links import AnnouncesKeys, Link, RefusedError

log = logging.getLogger("seadrift.identity")


def change_key(identity: Identity, link: Link) -> bool:
    """Finish a change of key that was asked for; whether there was one and it is done. A carrier
    that cannot announce leaves it to one that can. Raises LinkError, IdentityError, OSError."""
    announcement = identity.announcement()
    if announcement is None or not isinstance(link, AnnouncesKeys):
        return False
    try:
        link.announce_key(announcement)
    except RefusedError as error:
        if error.code == "revoked":
            return False  # what follows may be told why, or to wipe itself
        if error.status not in (400, 404, 405, 409):
            raise
        log.warning("the shore does not take the next key, the old one stays: %s", error)
        identity.drop_next()
        return False
    identity.use_next()
    log.info("the key is now %s", identity.public.id)
    return True
