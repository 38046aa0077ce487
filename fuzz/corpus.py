#!/usr/bin/env python3
"""Makes fuzz/corpus out of the inputs that our tests have. Run it again when they have new ones; what a fuzzer found is
kept under its own name (found-*)."""

import json
import pathlib
import random
import struct

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz" / "corpus"
BYTES_MAX = 4_096


def lines(path):
    return [json.loads(line) for line in (ROOT / path).read_text().splitlines() if line.strip()]


def values(tree, keys):
    """Every text under one of these keys, wherever it stands."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in keys and isinstance(value, str):
                yield value
            yield from values(value, keys)
    elif isinstance(tree, list):
        for value in tree:
            yield from values(value, keys)


def octets_of(text):
    try:
        return bytes.fromhex(text.removeprefix("hex:"))
    except ValueError:
        return None


def write(name, inputs, count=60):
    directory = CORPUS / name
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("seed-*"):
        old.unlink()
    unique = list(dict.fromkeys(one for one in inputs if one is not None and len(one) <= BYTES_MAX))
    step = max(1, len(unique) // count)
    for number, one in enumerate(unique[::step][:count]):
        (directory / f"seed-{number:03}").write_bytes(one)
    print(f"{name}: {len(unique[::step][:count])} of {len(unique)}")


def pdu(command, status, sequence, body=b""):
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


areas = ("api", "ends", "inbound", "media", "mm4", "receipts", "smpp")
field = {name: lines(f"tests/field/{name}.jsonl") for name in areas}
pdus = [octets_of(text) for name in ("receipts", "smpp") for text in values(field[name], {"pdu", "send"})]
pdus = [octets for octets in pdus if octets]
of_handsets = [
    [octets_of(text) for text in variant["send"]] for case in field["inbound"] for variant in case["variants"]
]
answers = [
    pdu(0x80000004, status, sequence, b"id%d\0" % sequence)
    for sequence in range(2, 9)
    for status in (0, 0x58, 0x14, 0x0B)
]
others = [
    pdu(0x15, 0, 1),
    pdu(0x80000015, 0, 2),
    pdu(6, 0, 3),
    pdu(0x80000006, 0, 2),
    pdu(0x80000000, 3, 2),
    pdu(0x80000009, 0, 1, b"x\0\x02\x10\0\x01\x34"),
]
flat = [octets for sent in of_handsets for octets in sent]
write("smpp_pdu", pdus + flat[::3] + answers[:8] + others, 100)
write(
    "smpp_session",
    [
        b"".join(answers[::4] + pdus[:3]),
        *answers,
        *others,
        b"".join(others),
        *(b"".join(pdus[at : at + 3]) for at in range(0, len(pdus), 3)),
        *(b"".join(sent) for sent in of_handsets[::3]),
    ],
    80,
)


def user_data(octets):
    """The user data of a `deliver_sm`: what follows its fixed fields and its addresses."""
    body = octets[16:]
    for skip in (0, 2, 2):
        body = body[skip:]
        body = body[body.index(0) + 1 :]
    body = body[3:]
    for _ in range(2):
        body = body[body.index(0) + 1 :]
    return body[5 : 5 + body[4]]


def counted(part):
    part = part[:255]
    return bytes([len(part)]) + part


messages = [[user_data(octets) for octets in sent if octets[7] == 5] for sent in of_handsets]
kept = [
    [bytes([1, coding, single, locking, fill, 0]) + part for part in message]
    for message in messages
    for coding, single, locking, fill in ((0, 0, 0, 0), (1, 1, 2, 1), (4, 0, 0, 0), (5, 6, 6, 0))
]
write("inbound", [b"".join(map(counted, message)) for message in messages + kept[::5]], 80)
smil = b'<smil><body><par><img src="cid:part1"/><text src=\'part0\'/></par><!-- x --><audio src=a&amp;b></body>'
write(
    "mms",
    [
        smil + b"\0text/plain; charset=utf-8\nHello\0image/jpeg\n\xff\xd8",
        smil + b"\0text/plain; charset=utf-16\n\xff\xfeH\0TEXT/PLAIN\nGr\xfc\xdfe",
        b"\0text/plain; charset=klingon\nx\0\0text/x-vcard\nBEGIN:VCARD",
        b"<img src='<a>' alt=\"a > b\" src=\0image/png; name=x\n1",
        b"<text src=\"cid:&lt;part0&gt;\"\0text/plain;charset=\"us-ascii\"\n\xef\xbb\xbfx",
        smil,
    ],
)
texts = list(values(field["ends"], {"receipt"})) + [
    "id:0123456789 sub:001 dlvrd:001 submit date:2603151430 done date:2603151431 stat:DELIVRD err:000 text:Hello",
    "id:77d0a1f3-5 stat:UNDELIV err:0C1",
    "ID: ABC SUB: 1 STAT: 3 ERR: 11",
    'id:"a b" stat:EXPIRED',
    "id:1,stat:REJECTD\r\nerr:99",
]
bodies = [octets[octets.find(b"id:") :] for octets in pdus if b"id:" in octets]
write(
    "receipt",
    [b"\0" + text.encode() for text in texts]
    + [b"\x08" + text.encode("utf-16-be") for text in texts[-5:]]
    + [b"\0" + body for body in bodies],
)
write("mm4", [path.read_bytes() for path in sorted((ROOT / "crates/wire/tests/golden/mm4").glob("*.eml"))])
mm7 = []
for path in sorted((ROOT / "crates/wire/tests/golden/mm7").rglob("*.http")):
    head, _, body = path.read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
    kinds = [line.split(b":", 1)[1].strip() for line in head.split(b"\n") if line.lower().startswith(b"content-type:")]
    mm7.append((kinds or [b"text/xml"])[0] + b"\n" + body.replace(b"\n", b"\r\n"))
write("mm7", mm7)
bodies = [text.encode() for text in values(field["api"], {"raw"})]
bodies += [
    json.dumps(one).encode()
    for one in (
        {"to": "+18005559876", "from": "+18005551234", "body": "Hi", "idempotencyKey": "a-1"},
        {"mediaUrl": None, "to": 1},
        [],
        {},
    )
]
write("message", bodies)
recipients = ["+18005550001", "+18005550002"]
write(
    "broadcast",
    [
        json.dumps(one).encode()
        for one in (
            {"recipients": recipients, "from": "+18005551234", "body": "Hi"},
            {"recipients": recipients * 20, "from": "+18005551234", "mediaUrl": "https://media.example.com/a.jpg"},
            {"recipients": ["1", "+", "+0", "", None, 1, {}, []]},
            {"recipients": "no list"},
            {"recipients": [], "body": "\ud83d", "idempotencyKey": "x" * 255},
            {"to": recipients, "from": "+18005551234", "body": "Hi"},
        )
    ]
    + bodies[:10],
)
urls = [case["url"] for case in lines("crates/fetch/tests/urls.jsonl")]
public, private = bytes([93, 184, 216, 34]), bytes([127, 0, 0, 1])
write(
    "url",
    [
        f"{url}\n{urls[at - 1]}\n".encode("utf-8", "surrogatepass") + (public if at % 2 else private)
        for at, url in enumerate(urls)
    ],
    120,
)
media = [b"\0" + path.read_bytes() for path in sorted((ROOT / "crates/fetch/tests/media").iterdir())]
media += [
    bytes([number % 6]) + octets
    for number, text in enumerate(values(field["media"], {"hex"}))
    if (octets := octets_of(text))
]
media += [
    b"\0" + octets
    for case in field["media"]
    for one in case.get("variants", [])
    for text in one.get("of", [])
    if isinstance(text, str) and text.startswith("hex:") and (octets := octets_of(text))
]
write("media", media)
greeting, ehlo, done = (
    b"220 mms.example.net ESMTP\r\n",
    b"250-mms.example.net\r\n250-PIPELINING\r\n250 SIZE 1000000\r\n",
    b"250 2.0.0 ok\r\n",
)
through = greeting + ehlo + done + done + b"354 go on\r\n"
write(
    "smtp_client",
    [
        through + done,
        through + b"554 5.7.1 no\r\n",
        through + b"25",
        greeting + b"502 what\r\n" + done + done + done + b"354 \r\n" + done,
        b"421 4.3.2 Closing\r\n",
        b"220-many\r\n220 lines\n" + ehlo + b"550 5.1.1 nobody\r\n",
        greeting + ehlo + b"452-4.2.2 full\r\n452 4.2.2 again\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
)
head = b"EHLO mms.example.net\r\nMAIL FROM:<a@b.example> SIZE=100\r\n"
head += b"RCPT TO:<+12025550101/TYPE=PLMN@a.example>\r\nDATA\r\n"
write(
    "smtp_server",
    [
        head + b"Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
        head + b"x" * 1_100 + b"\r\n.\r\nQUIT\r\n",
        head + b"a\n.\nMAIL FROM:<c@d.example>\r\n.\r\n",
        b"HELO x\r\nNOOP\r\nRSET\r\nVRFY a\r\nSTARTTLS\r\nHELP\r\nQUIT\r\n",
        b"DATA\r\nRCPT TO:<x>\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"NOOP\n",
    ],
)
two_way = [
    {"from": "+18005550100", "reason": "asked by phone"},
    {"from": None},
    {"reason": ""},
    {"url": "https://hooks.acme.com/sms?x=1", "events": ["message.sent", "inbound.received"], "ordering": "message"},
    {"url": "https://hooks.acme.com", "active": False, "broadcastMessages": True, "description": "orders"},
    {"since": "2026-03-15T12:00:00Z", "until": None, "status": "failed"},
    {"eventIds": ["evt_1", "evt_2"]},
]
write("two_way", [json.dumps(one).encode() for one in two_way] + [b"[]", b"null", b'{"from":1}', b'{"events":"x"}'])
forms = [
    b"To=%2B18005551234&From=%2B18005550100&Body=Your+code+is%20482910",
    b"Body=Gr%C3%BC%C3%9Fe+%F0%9F%98%80&StatusCallback=https%3A%2F%2Fa.example%2F%3Forder%3D7&",
    b"&&a=b=c&=d&e&%=%&%zz=%E2%82",
    b"Body=%ff",
    b"MediaUrl=a&MediaUrl=b",
    b"",
]
write("form", forms)
csv_files = [
    "number,from,reason,createdAt\n+18005551001,+18005550100,\"no, thanks\",2026-03-15T12:00:00Z\n+18005551002,,,\n",
    "\ufeff+18005551001\r\n\r\n+18005551002,x",
    "reason,Number\n\"two\nlines\",+18005551001\n\"open,+18005551002\n",
    "number\n+1\n",
    "",
]
json_files = [
    '"+18005551001"\r\n\n{"number":"+18005551002","from":null,"createdAt":"2026-01-01T00:00:00Z"}\n',
    '{"number":"+18005551003","from":"72345","reason":"asked by phone"}\n{"from":"x"}\n[1]\n7\nnull\n{\n',
    '\ufeff"+18005551001"',
]
write("import", [b"\0" + file.encode() for file in csv_files] + [b"\1" + file.encode() for file in json_files])


def network(pieces, width, convolutions, hidden, seed):
    """The file of a network of random numbers, in the format of crates/screening/src/network/file.rs."""
    chance = random.Random(seed)

    def rows(count, length):
        return b"".join(struct.pack("<f", chance.uniform(0, 0.02)) + chance.randbytes(length) for _ in range(count))

    def floats(count):
        return struct.pack(f"<{count}f", *(chance.uniform(-1, 1) for _ in range(count)))

    octets = b"SMSN\1" + struct.pack("<HHB", len(pieces), width, len(convolutions))
    octets += b"".join(struct.pack("<BH", taps, channels) for taps, channels in convolutions)
    octets += struct.pack("<HB", hidden, 11)
    octets += b"".join(bytes([len(piece.encode())]) + piece.encode() for piece in pieces)
    octets += rows(len(pieces), width)
    for taps, channels in convolutions:
        octets += rows(taps * channels, width) + floats(channels)
    octets += rows(2 * sum(channels for _, channels in convolutions), hidden) + floats(hidden)
    return octets + floats(hidden * 11) + floats(11) + bytes(8)


pieces = ["[UNK]", "free", "spin", "##s", "casino", ".", "|", "\u00e9", "a", "##a"]
shapes = [(1, 1, [(1, 1)], 1), (10, 4, [(3, 5)], 3), (10, 3, [(1, 2), (3, 17)], 2), (5, 8, [(5, 4)], 33)]
shapes += [(10, 2, [(1, 1), (3, 1), (5, 1), (1, 1)], 1), (2, 16, [(3, 16)], 8)]
write("network", [network(pieces[:count], *rest, seed) for seed, (count, *rest) in enumerate(shapes)])
texts = [
    line.split(" | ", 1)[1]
    for name in ("fresh", "pairs")
    for line in (ROOT / f"crates/screening/data/{name}.txt").read_text().splitlines()
    if " | " in line
]
foreign = [case["text"] for case in lines("crates/screening/tests/data/foreign.jsonl")]
write("screen", [text.encode() for text in texts[::200] + foreign[::2]])
templates = [
    ("Your code is {code}. Log in at https://acme.com/t/{id}", "Your code is 8Hx2. Log in at https://acme.com/t/9"),
    ("Hi {name}, your table for {n} is booked", "hi Zo\u00eb,  your t\u0430ble for 4 is booked"),
    ("{1}{2} is your order of today", "88 is your order of today"),
    ("Pay {sum} at https://{x}.com today, please", "Pay $5 at https://a.com today, please"),
    ("{a} aaaaaaaaaaaa {b} aaaaaaaaaaaa", "aaaaaaaaaaaa " * 9),
    ("{unclosed and a long text }{", "unclosed and a long text"),
    ("", "Rs 5,000.00 debited from A/C XX123 on 05-Jul-25 14:22. Not you? Call 1800 123 456 or bit.ly/x"),
]
write("template", [f"{template}\0{text}".encode() for template, text in templates])
