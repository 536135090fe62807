"""What only a person can say about an import: who is meant, which taxon. And what they answered.

The question has EcoTaxa's shape, `{"missing_users": [...], "missing_taxa": [...]}`; so has the
answer, `{"users": {name: user id}, "taxa": {name: taxon id}}`. Instead of a number an answer may
say "importer" (whoever imports is named), or "make": a taxon at the place that the table tells, or
under "not placed"; a person who cannot log in, made by an administrator alone.

Example:
    >>> meant = understand(connection, found.people, found.taxa, reply={})
    >>> meant.question
    {'missing_users': ['J. Smith'], 'missing_taxa': ['egg<Copepoda']}
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from server.db import naming, taxa, users
from server.db.imported import Person, TaxonKey

IMPORTER, MAKE = "importer", "make"


class AnswerError(ValueError):
    """The answer cannot be used; the message names what is wrong with it."""


@dataclass
class Meaning:
    """`people` and `taxa` say what is known; what is to be made is under `new_people` (each with
    the label that stands for it) and `new_taxa` (each with its place in the tree)."""

    people: dict[Person, int] = field(default_factory=dict)
    taxa: dict[TaxonKey, int] = field(default_factory=dict)
    new_people: set[Person] = field(default_factory=set)
    new_taxa: dict[TaxonKey, str] = field(default_factory=dict)
    missing_people: list[str] = field(default_factory=list)
    missing_taxa: list[str] = field(default_factory=list)

    @property
    def question(self) -> dict[str, list[str]] | None:
        """What has to be asked; None when all is understood."""
        if not self.missing_people and not self.missing_taxa:
            return None
        return {
            "missing_users": sorted(set(self.missing_people)),
            "missing_taxa": sorted(set(self.missing_taxa)),
        }


def person_label(person: Person) -> str:
    """How a question names a person."""
    name, email = person
    return name or email


def taxon_label(taxon: TaxonKey) -> str:
    """How a question names a taxon."""
    name, number = taxon
    return name or str(number)


def understand(
    connection: Connection,
    people: Iterable[Person],
    wanted: Mapping[TaxonKey, str],
    reply: Mapping[str, Any],
    importer: int,
    *,
    may_make_people: bool,
) -> Meaning:
    """What the words mean, by the database and by the answer. Raises AnswerError."""
    meaning = Meaning()
    meaning.people = naming.people(connection, people)
    meaning.taxa = _known_taxa(connection, wanted)
    said = _said(reply, "users")
    for person in sorted(set(people) - meaning.people.keys()):
        word = said.get(person_label(person), said.get(person[1]))
        if word == IMPORTER:
            meaning.people[person] = importer
        elif word == MAKE:
            if not may_make_people:
                raise AnswerError("users: only an administrator may have people made")
            meaning.new_people.add(person)
        elif word is None:
            meaning.missing_people.append(person_label(person))
        else:
            meaning.people[person] = _user(connection, person_label(person), word)
    said = _said(reply, "taxa")
    for taxon in sorted(wanted.keys() - meaning.taxa.keys(), key=str):
        word = said.get(taxon_label(taxon))
        if word == MAKE:
            meaning.new_taxa[taxon] = wanted[taxon]
        elif word is None:
            meaning.missing_taxa.append(taxon_label(taxon))
        else:
            meaning.taxa[taxon] = _taxon(connection, taxon_label(taxon), word)
    return meaning


def _known_taxa(connection: Connection, wanted: Mapping[TaxonKey, str]) -> dict[TaxonKey, int]:
    """EcoTaxa's number decides where a taxon here has it, else the name."""
    numbers = naming.taxa_by_number(connection, {n for _, n in wanted if n is not None})
    names = naming.taxa_by_name(
        connection, {name: place for (name, _), place in wanted.items() if name}
    )
    found = {}
    for name, number in wanted:
        taxon = numbers.get(number) if number is not None else None
        taxon = names.get(name) if taxon is None else taxon
        if taxon is not None:
            found[name, number] = taxon
    return found


def _said(reply: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    found = reply.get(part) or {}
    if not isinstance(found, dict):
        raise AnswerError(f"{part}: expected an object of names and numbers")
    return found


def _number(part: str, label: str, word: Any) -> int:
    number = int(word) if isinstance(word, str) and word.isdecimal() else word
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**31:
        words = f'a number, "{MAKE}"' + (f' or "{IMPORTER}"' if part == "users" else "")
        raise AnswerError(f"{part}: {label!r}: expected {words}, got {str(word)[:60]!r}")
    return number


def _user(connection: Connection, label: str, word: Any) -> int:
    number = _number("users", label, word)
    if users.get(connection, number) is None:
        raise AnswerError(f"users: {label!r}: there is no user {number}")
    return number


def _taxon(connection: Connection, label: str, word: Any) -> int:
    number = _number("taxa", label, word)
    found = taxa.current(connection, [number]).get(number)
    if found is None:
        raise AnswerError(f"taxa: {label!r}: there is no taxon {number}")
    return found
