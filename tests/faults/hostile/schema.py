"""Requests drawn by schemathesis from the shore's own OpenAPI document: each alone, and in chains
in which an answer feeds the next request.

Example:
    >>> asked = Asked(place.shore.url, token)
    >>> each_alone(document, asked, examples=5)
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, reject, seed, settings
from hypothesis.errors import Flaky, Unsatisfiable
from hypothesis.stateful import run_state_machine_as_test

HEAD_MAX = 16 * 1024
"""Bytes of a request's head that are read (h11, as uvicorn sets it)."""
_QUIET = {"database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}


@dataclass
class Asked:
    """As whom, and what came of it: statuses, and mistakes of the shore's own."""

    url: str
    token: str
    tried: int = 0
    hung_up: int = 0
    mistakes: list[str] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def see(self, label: str, response: Any) -> None:
        self.tried += 1
        if response.status_code >= 500:
            self.mistakes.append(f"{response.status_code} {label}: {response.text[:300]}")

    def hang_up(self, case: Any) -> None:
        """The shore hung up. That is right for a head beyond what is read of one: it still comes
        then, and whether the answer gets through is chance. Otherwise the error is raised."""
        if len(_address(case, self.url)) < HEAD_MAX:
            raise  # noqa: PLE0704 # from where the error is caught
        self.tried, self.hung_up = self.tried + 1, self.hung_up + 1


def _address(case: Any, url: str) -> str:
    whole = requests.Request("GET", f"{url}{case.formatted_path}", params=case.query).prepare()
    return whole.url or ""


def of(document: dict[str, Any], without: Iterable[str] = ()) -> Any:
    """The schema of a document, less some paths."""
    paths = {path: does for path, does in document["paths"].items() if path not in without}
    return schemathesis.openapi.from_dict({**document, "paths": paths})


def each_alone(schema: Any, asked: Asked, examples: int) -> None:
    """Every operation with data that fits its description, and with data that does not."""
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in schemathesis.GenerationMode:

            @settings(max_examples=examples, phases=[Phase.generate], **_QUIET)
            @seed(asked.tried)
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                try:
                    response = case.call(base_url=asked.url, headers=asked.headers)
                except requests.RequestException:
                    asked.hang_up(case)
                else:
                    asked.see(case.operation.label, response)

            try:
                ask()
            except Unsatisfiable:
                continue  # nothing about this operation can be wrong


def in_chains(schema: Any, asked: Asked, number: int) -> None:
    """`number` requests in chains. The shore changes under them, so a chain is never repeated
    exactly, which hypothesis calls flaky: then the next begins."""

    class Machine(schema.as_state_machine()):  # type: ignore[misc]
        def call(self, case: Any, **given: Any) -> Any:
            try:
                response = super().call(case, base_url=asked.url, headers=asked.headers)
            except requests.RequestException:
                asked.hang_up(case)
                reject()
            asked.see(case.operation.label, response)
            return response

        def validate_response(self, response: Any, case: Any, **given: Any) -> None:
            """A mistake is noted in `call`, and the chain goes on."""

    until, quiet = (
        asked.tried + number,
        settings(max_examples=min(50, 1 + number // 4), stateful_step_count=8, **_QUIET),
    )
    rounds = 0
    while asked.tried < until and rounds < number:
        rounds += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                run_state_machine_as_test(seed(rounds)(Machine), settings=quiet)
            except Flaky:
                continue
