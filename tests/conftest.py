"""What all tests are given: see the plugins."""

pytest_plugins = (
    "tests.plugins.groups",
    "tests.plugins.late",
    "tests.plugins.mosquitto",
    "tests.plugins.postgres",
    "tests.plugins.swift",
)
