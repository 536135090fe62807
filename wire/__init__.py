"""What crosses the link, as plain data: records, batches, acknowledgements, signatures, releases.

The device and the shore both import this package and nothing of each other, so a byte means the
same thing on both sides. It does no I/O.
"""

VERSION = 1
"""Version of the record format. A reader keeps what it does not know and refuses a higher major."""
