"""Asks the shore for the certificate that a broker wants, when there is none or it is time.

Example:
    >>> renew(identity, link, clock.utc_ms())
"""

import logging

from edge.certificate import CertificateError
from edge.identity import Identity
from edge.links import Certifies, Link, LinkError

log = logging.getLogger("seadrift.link")


def renew(identity: Identity, link: Link, now_ms: int) -> None:
    """Get a certificate if one is due and this carrier can ask for it. A shore that cannot give it
    does not hold up the records: the next visit asks again."""
    if not isinstance(link, Certifies) or not identity.certificate_due(now_ms):
        return
    try:
        identity.keep_certificate(link.certificate())
    except (LinkError, CertificateError, OSError) as error:
        log.warning("no certificate for a broker: %s", error)
    else:
        log.info("a certificate for brokers came from the shore")
