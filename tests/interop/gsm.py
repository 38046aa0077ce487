"""The GSM 7-bit default alphabet and its extension, by the tables of 3GPP TS 23.038, section 6.2.1. On purpose not
ours."""

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
ESCAPE = 0x1B

# Every character that the alphabet has, once.
EVERY_CHARACTER = BASIC.replace(chr(ESCAPE), "") + "".join(EXTENSION.values())


def encode(text):
    """One septet in each octet."""
    octets = bytearray()
    escaped = {character: septet for septet, character in EXTENSION.items()}
    for character in text:
        octets += bytes([ESCAPE, escaped[character]]) if character in escaped else bytes([BASIC.index(character)])
    return bytes(octets)


def decode(septets):
    """The text; septets that no table has, and an escape at the end, are errors."""
    text, septets = "", iter(septets)
    for septet in septets:
        text += EXTENSION[next(septets)] if septet == ESCAPE else BASIC[septet]
    return text


def pack(septets):
    """Septets as they are on the air, eight in seven octets. Where seven bits are left over, a carriage return fills
    them (TS 23.038, 6.1.2.3.1)."""
    if len(septets) % 8 == 7:
        septets = septets + b"\r"
    bits = sum(septet << 7 * place for place, septet in enumerate(septets))
    return bits.to_bytes((len(septets) * 7 + 7) // 8, "little")


def unpack(octets, header_octets=0):
    """The septets of octets as they are on the air; after a header they begin at the next septet's boundary (TS 23.040,
    9.2.3.24).

    A carriage return that ends with the last octet fills seven bits that were left over (TS 23.038, 6.1.2.3.1)."""
    fill = -header_octets * 8 % 7
    bits = int.from_bytes(octets, "little") >> fill
    septets = bytes(bits >> place & 0x7F for place in range(0, len(octets) * 8 - fill - 6, 7))
    is_filled = (len(octets) * 8 - fill) % 7 == 0 and septets[-1:] == b"\r"
    return septets[:-1] if is_filled else septets
