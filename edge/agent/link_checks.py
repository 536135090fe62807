"""What can be wrong between an instrument and its shore: address, claim, carriers, budgets.

Example:
    >>> [f.level for f in carriers(config)]
    ['ok']
"""

import time
from collections.abc import Iterator

from edge.agent import status
from edge.agent.finding import Finding
from edge.agent.links import read_claim
from edge.config import Config
from edge.identity import Identity, IdentityError
from edge.links import LinkError
from edge.links.https import HttpsLink
from edge.tables import ConfigError

FRESH_S = 60.0
"""A status older than this tells nothing of now."""


def shore(config: Config) -> Iterator[Finding]:
    if not config.shore.url:
        yield Finding("shore", "warn", "none is configured: records stay here", "set [shore] url")
        return
    try:
        # A ping needs no signature, and looking must not make a key or mend one.
        nobody = Identity.passing()
        link = HttpsLink(
            config.shore, nobody, timeout_s=10.0, folder=config.folder, proxy=config.link.proxy
        )
        claim = read_claim(config)
    except (ConfigError, IdentityError) as error:
        yield Finding("shore", "fail", str(error), "correct [shore]")
        return
    try:
        yield Finding("shore", "ok", f"{config.shore.url} answers, version {link.ping()}")
    except LinkError as error:
        remedy = "check the network and [shore] url; without a link the instrument works on"
        yield Finding("shore", "warn", str(error), remedy)
    finally:
        link.close()
    enrolled = (config.data / "identity" / "enrolment.json").exists()
    if not claim and not enrolled:
        remedy = "make a claim on shore and put it in [shore] claim"
        yield Finding("claim", "fail", "not enrolled, and no claim to enrol with", remedy)


def carriers(config: Config) -> Iterator[Finding]:
    """Whether each carrier is configured; how it does, while the agent runs."""
    if not config.shore.url:
        return
    if "https" not in config.link.carriers:
        text = "https is not among them: no claim can be made, and no whole images can be sent"
        yield Finding("carriers", "warn", text, 'add "https" to [link] carriers')
    found = status.read(config.data)
    if found is None or time.time() - found["written_ms"] / 1e3 > FRESH_S:
        yield Finding("carriers", "ok", ", ".join(config.link.carriers))
        return
    for carrier in found["carriers"]:
        level = "warn" if carrier["state"] == "down" or carrier["held"] else "ok"
        text = f"{carrier['name']}: {carrier['state']}"
        text += f", {carrier['error']}" if carrier["error"] else ""
        if carrier["held"]:
            text += f"; the budget of {carrier['held']} holds records back"
        remedy = "wait, or raise the budget in [budget]" if carrier["held"] else ""
        yield Finding("carriers", level, text, remedy)
