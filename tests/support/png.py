"""PNG files of pages, made small: at most 256 colours, packed as tightly as the format allows. Browsers pack in haste."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

_COLOURS = 256
_HEAD = b"\x89PNG\r\n\x1a\n"


def small(png: bytes) -> bytes:
    """The same picture; colours beyond the 256 most frequent ones become the nearest of them. `png` has 8 bits a channel."""
    chunks = dict(_chunks(png))
    width, height, _, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    lines = _lines(zlib.decompress(chunks[b"IDAT"]), width * (size := {2: 3, 6: 4}[kind]), height, size)
    pixels = [[line[place : place + 3] for place in range(0, len(line), size)] for line in lines]
    counts = Counter(pixel for line in pixels for pixel in line)
    kept = [colour for colour, _ in counts.most_common(_COLOURS)]
    places = {colour: kept.index(_nearest(colour, kept)) for colour in counts}
    data = b"".join(b"\0" + bytes(places[pixel] for pixel in line) for line in pixels)
    made = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0),
        b"PLTE": b"".join(kept),
        b"IDAT": zlib.compress(data, 9),
        b"IEND": b"",
    }
    return _HEAD + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in made.items()
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk; those with the image's data as one, at its end."""
    place, data = len(_HEAD), b""
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        name, body = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        data += body if name == b"IDAT" else b""
        yield name, data if name == b"IDAT" else body
        place += 12 + length


def _lines(data: bytes, length: int, height: int, size: int) -> Iterator[bytes]:
    """The bytes of each line, without the filters of the format (https://www.w3.org/TR/png/#9Filters). `size`: bytes of a pixel."""
    above = bytearray(length)
    for number in range(height):
        begin = number * (length + 1)
        line = bytearray(data[begin + 1 : begin + 1 + length])
        _unfilter(data[begin], line, above, size)
        above = line
        yield bytes(line)


def _unfilter(kind: int, line: bytearray, above: bytearray, size: int) -> None:
    for i in range(len(line) if kind else 0):
        left, up = line[i - size] if i >= size else 0, above[i]
        if kind == 1:
            added = left
        elif kind == 2:
            added = up
        elif kind == 3:
            added = (left + up) // 2
        else:
            corner = above[i - size] if i >= size else 0
            added = min((left, up, corner), key=lambda each: abs(left + up - corner - each))
        line[i] = (line[i] + added) & 255


def _nearest(colour: bytes, kept: list[bytes]) -> bytes:
    return min(kept, key=lambda each: sum((a - b) ** 2 for a, b in zip(colour, each, strict=True)))
