"""EcoTaxa's API as an OpenAPI document, made from two tables that one can read.

The tables say what EcoTaxa's documentation says, in our words; the shore is held against them, and
so is a client made from them.

Example:
    $ python -m tests.server.ecotaxa_api.description > ecotaxa.json
"""

import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PLAIN: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "num": {"type": "number"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "datetime": {"type": "string", "format": "date-time"},
    "file": {"type": "string", "format": "binary"},
    "any": {},
}
BODIES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data",
}


@cache
def document() -> dict[str, Any]:
    """The whole description."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "EcoTaxa, after its documentation", "version": "0.0.45"},
        "servers": [{"url": "/api"}, {"url": "/"}],
        "paths": _paths(),
        "components": {
            "schemas": _models(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _lines(name: str) -> list[str]:
    text = (HERE / name).read_text(encoding="utf-8")
    return [line.rstrip() for line in text.splitlines() if not line.startswith("#")]


def _models() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in filter(None, _lines("models.txt")):
        if not line.startswith(" "):
            model = found[line] = {"type": "object", "properties": {}, "title": line}
            continue
        name, said = line.strip().split(" ", 1)
        model["properties"][name] = _schema(said)
        if said.endswith("!"):
            model.setdefault("required", []).append(name)
    return found


def _schema(said: str) -> dict[str, Any]:
    """What a type's word means.

    >>> _schema("[int]?")
    {'type': 'array', 'items': {'type': 'integer'}, 'nullable': True}
    """
    word = said.removesuffix("!")
    bare = word.removesuffix("?")
    if bare in PLAIN:
        schema = dict(PLAIN[bare])
    elif bare.startswith("["):
        schema = {"type": "array", "items": _schema(bare[1:-1])}
    elif bare.startswith("{"):
        schema = {"type": "object", "additionalProperties": _schema(bare[1:-1])}
    elif "|" in bare:
        schema = {"type": "string", "enum": bare.split("|")}
    else:
        schema = {"$ref": f"#/components/schemas/{bare}"}
    if word == bare:
        return schema
    return (
        {"allOf": [schema], "nullable": True} if "$ref" in schema else schema | {"nullable": True}
    )


def _paths() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in filter(None, _lines("routes.txt")):
        asked, answer = line.split(" -> ")
        method, path, *words = asked.split(" ")
        found.setdefault(path, {})[method.lower()] = _operation(method, path, words, answer)
    return found


def _operation(method: str, path: str, words: list[str], answer: str) -> dict[str, Any]:
    asked = [_parameter(word) for word in words if word.startswith("?")]
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": PLAIN[_kind(name)]}
        for name in re.findall(r"{(\w+)}", path)
    ]
    operation: dict[str, Any] = {
        "operationId": f"{method.lower()}{re.sub(r'[^a-z]+', '_', path.lower())}".rstrip("_"),
        "tags": [path.split("/")[1]],
        "parameters": [*in_path, *asked],
        "responses": {"200": _answer(answer.removesuffix(" !"))},
        "security": [] if answer.endswith(" !") else [{"token": []}],
    }
    body = [word for word in words if not word.startswith("?")]
    if body:
        kind = body[0] if body[0] in BODIES else "json"
        content = {BODIES[kind]: {"schema": _schema(body[-1])}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameter(word: str) -> dict[str, Any]:
    name, kind = word[1:].split(":")
    return {"name": name, "in": "query", "required": kind.endswith("!"), "schema": _schema(kind)}


def _kind(name: str) -> str:
    return "int" if name.endswith("_id") else "str"


def _answer(said: str) -> dict[str, Any]:
    kind = "application/octet-stream" if said == "file" else "application/json"
    return {"description": "as asked", "content": {kind: {"schema": _schema(said)}}}


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=1)
