"""A client whose every answer must have the shape that EcoTaxa's description gives.

Objects are closed: a field that EcoTaxa does not have is a mistake, but where one address answers
for our own API too.

Example:
    >>> with Described(base_url=address, headers=headers) as eco:
    ...     eco.get("/users/me").json()["email"]
"""

import re
from typing import Any

import httpx
import jsonschema_rs

from tests.server.ecotaxa_api.description import document

OPEN = ("ProjectModel",)
"""Answered at an address of our own API's too."""
_FORMS = {
    "date": r"^\d{4}-\d\d-\d\d$",
    "time": r"^\d\d:\d\d:\d\d$",
    "date-time": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$",
}


class Described(httpx.Client):
    """`seen` are the operations whose answers were looked at."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.seen: set[tuple[str, str]] = set()

    def request(self, method: str, url: Any, **given: Any) -> httpx.Response:
        answer = super().request(method, url, **given)
        if answer.status_code == 200:
            self._look(method, str(url), answer)
        return answer

    def get_bytes(self, url: str) -> bytes:
        """What lies at an address that is not described."""
        answer = super().request("GET", url)
        assert answer.status_code == 200, answer.text
        return answer.content

    def post_own(self, url: str, **given: Any) -> httpx.Response:
        """A route of our own API."""
        return super().request("POST", url, **given)

    def _look(self, method: str, url: str, answer: httpx.Response) -> None:
        path = url.partition("?")[0].removeprefix("/api")
        for template, operations in document()["paths"].items():
            if method.lower() in operations and re.fullmatch(_pattern(template), path):
                self.seen.add((method, template))
                _check(operations[method.lower()], answer)
                return
        raise AssertionError(f"{method} {url} is not in the description")


def _pattern(template: str) -> str:
    """
    >>> _pattern("/jobs/{job_id}/")
    '/jobs/\\\\d+/?'
    """
    numbers = re.sub(r"{\w+_id}", r"\\d+", template.rstrip("/"))
    return re.sub(r"{\w+}", ".*", numbers) + "/?"


def _check(operation: dict[str, Any], answer: httpx.Response) -> None:
    [(kind, said)] = operation["responses"]["200"]["content"].items()
    if kind == "application/json" and said["schema"]:
        schema = closed(said["schema"]) | {"definitions": _models()}
        found = answer.json()
        errors = [
            f"{'/'.join(map(str, e.instance_path))}: {e.message}"
            for e in jsonschema_rs.validator_for(schema).iter_errors(found)
        ]
        assert not errors, (answer.request.url, errors[:5])


def _models() -> dict[str, Any]:
    models = document()["components"]["schemas"]
    return {
        name: closed(model) | ({} if name in OPEN else {"additionalProperties": False})
        for name, model in models.items()
    }


def closed(schema: Any) -> Any:
    """OpenAPI's schema as JSON Schema's: what may be null says so, formats are patterns."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: closed(value) for key, value in schema.items() if key != "nullable"}
    if "$ref" in plain:
        plain["$ref"] = plain["$ref"].replace("#/components/schemas/", "#/definitions/")
    if plain.get("format") in _FORMS:
        plain["pattern"] = _FORMS[plain.pop("format")]
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain
