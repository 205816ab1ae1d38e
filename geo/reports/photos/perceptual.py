"""What a picture looks like, as 64 bits: of two that look alike few differ, whatever their size and encoding.

Pictures that are alike are found by an index: 64 bits in seven bands, and of two pictures that differ in at most six bits one
band at least is the same (Norouzi, Punjani & Fleet 2012, multi-index hashing). So those are looked up, and none is missed.
"""

import io

from PIL import Image

# So many bits differ at the most between two encodings of one picture; of two that have nothing in common, about 32 do.
ALIKE_BITS = 6
# Seven bands, one more than the bits that may differ.
BAND_BITS = (10, 9, 9, 9, 9, 9, 9)
_BAND_SIZE = 1 << max(BAND_BITS)
# Far more than the 32 pixels to which the hash shrinks a picture; a JPEG is decoded at a fraction of its size for it.
_DRAFT_PX = 256


def perceptual_hash(jpeg: bytes) -> str:
    """64 bits as 16 hexadecimal digits: the signs of a picture's lowest frequencies.

    A picture of one colour, such as a photo taken in the dark, has none: all those are alike.
    Source: ImageHash, phash of 8 by 8 (hackerfactor.com, "Looks Like It", 2011).
    """
    import imagehash  # it brings scipy along, which few processes need

    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as opened:
        opened.draft("L", (_DRAFT_PX, _DRAFT_PX))
        return str(imagehash.phash(opened))


def bands(perceptual: str) -> list[int]:
    """The bands of a hash, each with its place in it, so that bands of different places are never the same number."""
    rest, found = int(perceptual, 16), []
    for place, bits in enumerate(BAND_BITS):
        found.append(place * _BAND_SIZE + (rest & ((1 << bits) - 1)))
        rest >>= bits
    return found


def differing_bits(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()
