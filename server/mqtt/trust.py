"""How a worker and a broker know each other: TLS with a certificate made for this process alone.

Example:
    >>> context = worker_context(shore.authority)
"""

import ssl
import tempfile

from server.auth.authority import Authority
from server.mqtt.files import WORKER


def worker_context(authority: Authority) -> ssl.SSLContext:
    """TLS that trusts the shore's authority alone and shows a worker's certificate. The key is on
    disk only while it is read, since `ssl` takes files."""
    context = ssl.create_default_context(cadata=authority.pem)
    with tempfile.NamedTemporaryFile() as pair:
        pair.write(authority.worker(WORKER))
        pair.flush()
        context.load_cert_chain(pair.name)
    return context
