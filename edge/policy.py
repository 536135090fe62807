"""Settings that the shore may change from afar, over those of the configuration file.

They lie in the outbox as one fact, stored in the same commit as the answer to the command, so each
command counts once whatever happens. `wire.commands.POLICY` lists the names.

Example:
    >>> setting(outbox, "satellite.priority_max", config.satellite.priority_max)
    1
"""

import json
from typing import Any, Protocol

FACT = "policy"


class Facts(Protocol):
    """What is asked of an outbox."""

    def fact(self, name: str) -> str | None: ...


def policy(facts: Facts) -> dict[str, Any]:
    """Everything that was set from shore."""
    found: dict[str, Any] = json.loads(facts.fact(FACT) or "{}")
    return found


def setting(facts: Facts, name: str, configured: float) -> float:
    """The shore's value, or the configured one."""
    return float(policy(facts).get(name, configured))
