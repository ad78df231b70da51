"""Pictures are made small without being changed, where they have few colours."""

import struct
import zlib

from tests.support import png


def encoded(kind: int, colour_type: int, lines: list[bytes], width: int) -> bytes:
    """A PNG whose lines have all the filter `kind`; they are written as they are filtered."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, len(lines), 8, colour_type, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(bytes([kind]) + line for line in lines))),
        (b"IEND", b""),
    )
    packed = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + packed


def colours(packed: bytes) -> list[bytes]:
    """The pixels of what `small` returns, in order."""
    chunks = dict(png._chunks(packed))
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    data, palette = zlib.decompress(chunks[b"IDAT"]), chunks[b"PLTE"]
    places = [data[line * (width + 1) + 1 + x] for line in range(height) for x in range(width)]
    return [palette[place * 3 : place * 3 + 3] for place in places]


def test_pixels_stay_as_they_are_whatever_filter_was_used() -> None:
    red, blue = b"\xff\0\0", b"\0\0\xff"
    plain = encoded(0, 2, [red + blue, red + red], 2)
    left = encoded(1, 2, [red + b"\x01\0\xff", red + b"\0\0\0"], 2)
    above = encoded(2, 2, [red + blue, b"\0\0\0" + b"\xff\0\x01"], 2)
    average = encoded(3, 2, [red + b"\x81\0\xff", b"\x80\0\0" + b"\x80\0\x81"], 2)
    paeth = encoded(4, 2, [red + b"\x01\0\xff", b"\0\0\0" + b"\0\0\0"], 2)
    assert colours(png.small(plain)) == [red, blue, red, red]
    assert colours(png.small(left)) == [red, blue, red, red]
    assert colours(png.small(above)) == [red, blue, red, red]
    assert colours(png.small(average)) == [red, blue, red, red]
    assert colours(png.small(paeth))[:2] == [red, blue]


def test_of_many_colours_the_most_frequent_stay() -> None:
    line = b"".join(bytes([n % 256, n // 256, 0]) for n in range(300)) + b"\x07\x07\x07" * 50
    found = colours(png.small(encoded(0, 2, [line], 350)))
    assert len(set(found)) == 256
    assert found[-1] == b"\x07\x07\x07"


def test_what_shines_through_is_left_out() -> None:
    assert colours(png.small(encoded(0, 6, [b"\x01\x02\x03\xff\x04\x05\x06\xff"], 2))) == [b"\x01\x02\x03", b"\x04\x05\x06"]
