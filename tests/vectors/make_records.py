#!/usr/bin/env python3
"""Writes records-v1.json: vectors of the store's records and recorded head (docs/log-format.md, 7.1 and 7.2).

They are made in Python, of the small log in log-v1.json, so that the Rust side has somebody else's bytes to read:

    make_records.py > records-v1.json
"""

import json
from pathlib import Path

import verify


def commits():
    """The commits of the small log: (position of the first event, frames, root)."""
    vectors = json.loads((Path(__file__).resolve().parent / "log-v1.json").read_text("utf-8"))
    first, frames = 0, []
    for line in vectors["export"].splitlines()[1:-1]:
        value = json.loads(line)
        if "commit" in value:
            yield first, frames, bytes.fromhex(value["commit"]["root"])
            first, frames = first + len(frames), []
        else:
            body = (bytes.fromhex(value["salt"]), value["payload"].encode()) if "salt" in value else None
            frames.append(verify.encode_frame(bytes.fromhex(value["header"]), body))


def sealed(data):
    """With the checksum that makes it a record, whatever it says."""
    return data + verify.zlib.crc32(data).to_bytes(4, "big")


def key(number):
    return verify.record_key(number).hex()


FILLER = [verify.record_key(0)[:8].hex() + "80", ""]


def main():
    small = list(commits())
    (_, one, root1), (_, three, root4), (_, two, root6) = small
    records = []
    for name, first, frames, root in (
        ("a commit of one event", 0, one, root1),
        ("a commit of three events", 1, three, root4),
        ("a commit with an erased payload", 4, two, root6),
        ("the first record of a commit that goes on", 1, three[:2], None),
        ("the last record of that commit", 3, three[2:], root4),
    ):
        record = verify.encode_record(first, frames, root)
        records.append(
            {
                "name": name,
                "first": first,
                "frames": [frame.hex() for frame in frames],
                "root": root and root.hex(),
                "record": record.hex(),
            }
        )

    good = verify.encode_record(1, three, root4)
    body = good[:-4]
    ends = 14 + 32

    def changed(at, put):
        return sealed(body[:at] + put + body[at + len(put) :])

    last_end = body[ends + 8 : ends + 12]
    refused = [
        ("nothing", b""),
        ("three bytes", good[:3]),
        ("a checksum alone", sealed(b"")),
        ("another checksum", good[:-1] + bytes([good[-1] ^ 1])),
        ("another byte", bytes([good[0], good[1], good[2], good[3], good[4], good[5] ^ 1]) + good[6:]),
        ("cut short", good[:-1]),
        ("version 0", changed(0, b"\0")),
        ("version 2", changed(0, b"\2")),
        ("an unknown flag", changed(1, b"\3")),
        ("no events", sealed(b"\1\1" + bytes(12) + root4)),
        ("positions beyond 64 bits", changed(2, b"\xff" * 8)),
        ("a count of 2^32 - 1", changed(10, b"\xff\xff\xff\xff")),
        ("one event more than there are ends", changed(10, b"\0\0\0\4")),
        ("one event less than there are ends", changed(10, b"\0\0\0\2")),
        ("the first end is zero", changed(ends, bytes(4))),
        ("two ends are the same", changed(ends + 4, body[ends : ends + 4])),
        ("ends that fall", changed(ends, body[ends + 8 : ends + 12])),
        (
            "the last end goes beyond the frames",
            changed(ends + 8, (int.from_bytes(last_end, "big") + 1).to_bytes(4, "big")),
        ),
        (
            "the last end comes before the frames' end",
            changed(ends + 8, (int.from_bytes(last_end, "big") - 1).to_bytes(4, "big")),
        ),
        ("an end inside a frame", changed(ends, (int.from_bytes(body[ends : ends + 4], "big") + 1).to_bytes(4, "big"))),
        ("a byte after the frames", sealed(body + b"\0")),
        ("its root is missing", sealed(body[:14] + body[14 + 32 :])),
    ]

    encode = verify.encode_record
    whole = [[key(number), encode(first, frames, root).hex()] for number, (first, frames, root) in enumerate(small)]
    split = [[key(1), encode(1, three[:2], None).hex()], [key(2), encode(3, three[2:], root4).hex()]]
    after_split = [key(3), whole[2][1]]
    stores = [
        {"name": "a record for each commit", "records": whole, "holds": True},
        {"name": "a commit in two records", "records": [whole[0], *split, after_split], "holds": True},
        {"name": "fillers between records", "records": [whole[0], whole[1], FILLER, [key(7)[:16] + "80", ""]], "holds": True},
        {"name": "no records", "records": [], "holds": True},
        {"name": "the first record is missing", "records": whole[1:], "holds": False},
        {"name": "a record in the middle is missing", "records": [whole[0], whole[2]], "holds": False},
        {
            "name": "the first record of a commit of two is missing",
            "records": [whole[0], [key(1), split[1][1]], whole[2]],
            "holds": False,
        },
        {
            "name": "the last record of a commit of two is missing",
            "records": [whole[0], split[0], whole[2]],
            "holds": False,
        },
        {"name": "the log ends within a commit", "records": [whole[0], split[0]], "holds": False},
        {"name": "another root", "records": [[key(0), encode(0, one, root4).hex()]], "holds": False},
        {"name": "another key", "records": [[key(1), whole[0][1]]], "holds": False},
        {"name": "another first position", "records": [[key(0), encode(1, one, root1).hex()]], "holds": False},
        {
            "name": "the last commit is gone: not to be seen without a recorded head",
            "records": whole[:2],
            "holds": True,
        },
    ]

    log_id = bytes.fromhex(whole[0][1])[14 + 32 + 4 + 2 :][:16]
    text = verify.uuid_text(log_id)
    older, newer = verify.head_slot(log_id, 4, root4), verify.head_slot(log_id, 6, root6)
    none = verify.head_slot(bytes(16), 0, bytes(32))
    head = lambda size, root, log=text: {"log_id": log, "size": size, "root": root.hex()}
    bad = newer[:30] + b"\xff" + newer[31:]
    heads = [
        {
            "name": "the newer slot is the second",
            "parts": {"0": older.hex(), "4096": newer.hex()},
            "head": head(6, root6),
        },
        {
            "name": "the newer slot is the first",
            "parts": {"0": newer.hex(), "4096": older.hex()},
            "head": head(6, root6),
        },
        {"name": "the newer slot is damaged", "parts": {"0": older.hex(), "4096": bad.hex()}, "head": head(4, root4)},
        {"name": "a new store", "parts": {"0": none.hex()}, "head": head(0, bytes(32), verify.uuid_text(bytes(16)))},
        {"name": "the second slot is not there yet", "parts": {"0": older.hex()}, "head": head(4, root4)},
        {"name": "another magic", "parts": {"0": b"CVKHEAD2".hex() + older.hex()[16:]}, "head": None},
        {"name": "a slot cut short", "parts": {"0": older[:67].hex()}, "head": None},
        {"name": "nothing", "parts": {}, "head": None},
    ]
    chapters = {
        "records": records,
        "records_refused": [{"name": name, "record": record.hex()} for name, record in refused],
        "stores": stores,
        "heads": heads,
    }
    lines = (
        f'"{name}": [\n' + ",\n".join(json.dumps(one) for one in vectors) + "\n]" for name, vectors in chapters.items()
    )
    print("{\n" + ",\n".join(lines) + "\n}")


if __name__ == "__main__":
    main()
