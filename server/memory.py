"""Python's search for cycles, put off while a job makes millions of values that have none.

Each search looks at all of them again: a quarter of an import's time.

Example:
    >>> with uncollected():
    ...     read_everything()
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No search until the block ends; what nobody refers to is freed at once all the same."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
