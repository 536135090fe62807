"""Everything a Mosquitto needs to serve one shore, in one folder.

The authority's certificate, the broker's own certificate and key, the revocation list, who may read
and write what, and the configuration. Writing again keeps the broker's key while its names stay,
and refreshes the rest.

Example:
    >>> write(shore, Plan(hosts=("shore.example",)), Path("shore/broker"), now_ms())
    PosixPath('shore/broker/mosquitto.conf')
"""

import getpass
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from server.auth.authority import Authority
from server.fleet.certificates import CRL, replace, write_revoked
from server.shore import Shore
from wire.codec import BATCH_MAX
from wire.mqtt import ROOT

WORKER = "shore"
"""The name in the certificate of every worker."""
PACKET_MAX = BATCH_MAX + 16 * 1024
"""Largest packet: a batch, its headers, and what MQTT adds."""
LOCAL = ("localhost", "127.0.0.1", "::1")
ACL = f"""\
# A device is known by the name in its certificate (%u).
pattern write {ROOT}/%u/up/#
pattern read {ROOT}/%u/down/#

# Workers of the shore.
user {WORKER}
topic read {ROOT}/+/up/#
topic write {ROOT}/+/down/#
"""


@dataclass(frozen=True)
class Plan:
    """`hosts`: names and addresses by which devices reach the broker; `bind`, `workers_bind`: what
    its listeners bind to, "" for every address."""

    hosts: tuple[str, ...]
    port: int = 8883
    bind: str = ""
    workers_port: int = 8884
    workers_bind: str = "127.0.0.1"


def write(shore: Shore, plan: Plan, folder: Path, now_ms: int) -> Path:
    """Write the files; the configuration's path. Raises OSError."""
    folder = folder.absolute()
    state = folder / "state"
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    _keep_pair(shore.authority, (*plan.hosts, *LOCAL), folder)
    replace(folder / "authority.pem", shore.authority.pem.encode(), mode=0o644)
    replace(folder / "acl", ACL.encode(), mode=0o600)  # Mosquitto asks for that
    write_revoked(shore.database, shore.authority, folder, now_ms)
    template = Template((Path(__file__).parent / "mosquitto.conf").read_text(encoding="utf-8"))
    text = template.substitute(
        folder=folder,
        user=getpass.getuser(),
        packet_max=PACKET_MAX,
        crl=CRL,
        port=plan.port,
        bind=plan.bind,
        workers_port=plan.workers_port,
        workers_bind=plan.workers_bind,
    )
    path = folder / "mosquitto.conf"
    replace(path, text.encode(), mode=0o644)
    return path


def _keep_pair(authority: Authority, hosts: Sequence[str], folder: Path) -> None:
    """The broker's key and certificate, made again when its names or the authority changed."""
    path, made_for = folder / "broker.pem", folder / "broker.json"
    said = json.dumps({"hosts": list(hosts), "authority": authority.certificate.serial_number})
    if path.is_file() and made_for.is_file() and made_for.read_text() == said:
        return
    replace(path, authority.broker(hosts), mode=0o600)
    replace(made_for, said.encode(), mode=0o644)
