"""`--late-answers MS`: what pages ask for comes up to so much later, each answer by itself.

Finds pages that only work while the shore is near: `make test PYTEST_ARGS="tests/server/web
--late-answers 500"`.
"""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--late-answers",
        type=int,
        default=0,
        metavar="MS",
        help="delay each answer that a page asks for by up to MS milliseconds, at random",
    )
