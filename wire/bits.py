"""Bits in a row: whole numbers in fixed widths or as Exp-Golomb codes, most significant bit first.

An Exp-Golomb code of order k (Teuhola 1978) spends `2 * floor(log2(n / 2**k + 1)) + 1 + k` bits on
n >= 0, so small numbers are short and none is too large.

Example:
    >>> writer = BitWriter()
    >>> writer.put(5, 3); writer.golomb(9, 1)
    >>> reader = BitReader(writer.bytes())
    >>> reader.get(3), reader.golomb(1)
    (5, 9)
"""

import math

EXACT = 16
"""Counts up to this one are kept exactly by `quantised`."""
STEPS = 8
"""Steps per doubling above it."""
QUANTUM = 2 ** (1 / (2 * STEPS)) - 1
"""Largest relative error of `quantised`, 4.43 %: below the counting noise of any n < 500."""
CODE_MAX = 1 << 10
"""Codes above this stand for nothing."""


class BitsError(ValueError):
    """The bits end too early or make no number."""


class BitWriter:
    """Collects bits; `bytes` fills the last byte with zeros."""

    def __init__(self) -> None:
        self._value = 0
        self.length = 0

    def put(self, number: int, width: int) -> None:
        """`number` in `width` bits. Raises BitsError when it does not fit."""
        if number < 0 or number >> width:
            raise BitsError(f"expected 0 to {(1 << width) - 1}, got {number}")
        self._value = self._value << width | number
        self.length += width

    def golomb(self, number: int, order: int) -> None:
        """`number` >= 0 as an Exp-Golomb code."""
        shifted = number + (1 << order)
        self.put(shifted, 2 * shifted.bit_length() - 1 - order)

    def bytes(self) -> bytes:
        fill = -self.length % 8
        return (self._value << fill).to_bytes((self.length + fill) // 8, "big")


class BitReader:
    """Takes from bytes what a `BitWriter` put there."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def get(self, width: int) -> int:
        """The next `width` bits. Raises BitsError at the end."""
        if width > self._left:
            raise BitsError(f"expected {width} more bits, found {self._left}")
        self._left -= width
        return self._value >> self._left & (1 << width) - 1

    def golomb(self, order: int) -> int:
        """The next Exp-Golomb code. Raises BitsError at the end, or beyond 64 bits."""
        zeros = 0
        while not self.get(1):
            zeros += 1
            if zeros > 64:
                raise BitsError("no number is longer than 64 bits")
        width = zeros + order
        return (1 << width | self.get(width)) - (1 << order)


def golomb_bits(number: int, order: int) -> int:
    """Bits that an Exp-Golomb code takes."""
    return 2 * (number + (1 << order)).bit_length() - 1 - order


def zigzag(number: int) -> int:
    """Signed to unsigned: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4."""
    return 2 * number if number >= 0 else -2 * number - 1


def unzigzag(number: int) -> int:
    return number >> 1 if number % 2 == 0 else -(number + 1 >> 1)


def quantised(count: int) -> int:
    """A code for a count: the count itself up to EXACT, then STEPS codes per doubling.

    >>> quantised(12), quantised(1000)
    (12, 64)
    """
    if count <= EXACT:
        return max(0, count)
    return EXACT + round(STEPS * (math.log2(min(count, 1 << 60)) - math.log2(EXACT)))


def dequantised(code: int) -> float:
    """The count that a code stands for, within QUANTUM of what it was. Raises BitsError."""
    if not 0 <= code < CODE_MAX:
        raise BitsError(f"no count has the code {code}")
    return float(code) if code <= EXACT else float(EXACT * 2 ** ((code - EXACT) / STEPS))
