"""Who may try a password now: guessing is slow from anywhere, and nobody can lock an owner out.

Wrong passwords are counted for each address, for each account from one address, and for each
account from addresses that it does not know. The last is what stops a crowd of machines; since an
address from which the owner has logged in is not counted there, the crowd cannot keep the owner out
from such a place, and never for longer than it goes on.

Example:
    >>> throttle = Throttle()
    >>> throttle.wait_ms("ann@sea.org", "10.0.0.7", known=False, now_ms=0)
    0
"""

from server.auth.addresses import counted_as
from server.auth.attempts import Attempts

WINDOW_MS = 300_000
OF_PAIR, OF_ADDRESS, OF_STRANGERS = 10, 30, 60
"""Wrong passwords in WINDOW_MS: one account from one address; one address; one account from all
addresses unknown to it."""


class Throttle:
    """Counts in memory, bounded; a restart forgets."""

    def __init__(self) -> None:
        self._pairs = Attempts(OF_PAIR, WINDOW_MS)
        self._addresses = Attempts(OF_ADDRESS, WINDOW_MS)
        self._strangers = Attempts(OF_STRANGERS, WINDOW_MS)

    def wait_ms(self, account: str, address: str, *, known: bool, now_ms: int) -> int:
        """How long until this account may be tried from this address; 0: now."""
        place = counted_as(address)
        waits = [
            self._pairs.wait_ms(f"{account} {place}", now_ms),
            self._addresses.wait_ms(place, now_ms),
            0 if known else self._strangers.wait_ms(account, now_ms),
        ]
        return max(waits)

    def fail(self, account: str, address: str, *, known: bool, now_ms: int) -> None:
        """Count a wrong password."""
        place = counted_as(address)
        self._pairs.fail(f"{account} {place}", now_ms)
        self._addresses.fail(place, now_ms)
        if not known:
            self._strangers.fail(account, now_ms)

    def succeed(self, account: str, address: str) -> None:
        """A right password forgives the wrong ones before it, from the same address."""
        self._pairs.succeed(f"{account} {counted_as(address)}")
