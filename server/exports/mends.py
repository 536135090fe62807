"""What was changed, or is odd, on the way into a table: by column, how often, where first.

Nothing is changed without being said here; what is said goes into the README of an export, its
provenance and the job's answer.

Example:
    >>> mends = Mends()
    >>> mends.note("object_area", "a number that is not finite was left empty", "o17")
    >>> mends.lines()
    ['object_area: a number that is not finite was left empty (once, object o17)']
"""

from dataclasses import dataclass, field


@dataclass
class Mends:
    _found: dict[tuple[str, str], list[str | int]] = field(default_factory=dict)

    def note(self, column: str, what: str, objid: str = "", times: int = 1) -> None:
        """`objid` is the object's or the level's name, as a person knows it."""
        held = self._found.setdefault((column, what), [objid, 0])
        held[1] = int(held[1]) + times

    def lines(self) -> list[str]:
        return [_line(*key, *held) for key, held in self._found.items()]

    def counts(self) -> dict[str, int]:
        """How often, by sentence."""
        return {f"{column}: {what}": int(held[1]) for (column, what), held in self._found.items()}


def _line(column: str, what: str, objid: str | int, times: str | int) -> str:
    often = "once" if times == 1 else f"{times} times, first"
    where = f", {objid}" if times == 1 and objid else f" in {objid}" if objid else ""
    return f"{column}: {what} ({often}{where})"
