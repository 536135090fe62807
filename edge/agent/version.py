"""The version of the installed program."""

from importlib import metadata


def software_version() -> str:
    try:
        return metadata.version("seadrift")
    except metadata.PackageNotFoundError:
        return "0"
