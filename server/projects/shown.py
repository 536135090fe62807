"""Which free columns a project shows under its vignettes: EcoTaxa's `classiffieldlist`.

EcoTaxa keeps them as text, a line for each, `column=label`; its clients read and write that, so it
is what is kept here too.

Example:
    >>> shown_columns("area=area [pixel]\\nmean=mean grey")
    ['area', 'mean']
"""

from collections.abc import Iterable

FIELD = "classiffieldlist"
"""Its name among a project's settings."""


def shown_columns(text: str) -> list[str]:
    """The columns by name, in order, each once."""
    names = (line.partition("=")[0].strip() for line in text.splitlines())
    return list(dict.fromkeys(name for name in names if name))


def shown_text(columns: Iterable[str], before: str = "") -> str:
    """The text for these columns; those that had a label in the text `before` keep it."""
    labels = dict(line.split("=", 1) for line in before.splitlines() if "=" in line)
    known = {name.strip(): label for name, label in labels.items()}
    return "\n".join(f"{name}={known.get(name, name)}" for name in columns)
