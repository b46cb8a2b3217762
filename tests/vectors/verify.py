#!/usr/bin/env python3
"""An independent reader and verifier of Convoke logs, version 1.

Written from docs/log-format.md alone, before its author had seen the Rust code; it shares nothing with that code but
the document. It needs Python 3.10 or later and the `blake3` package.

    verify.py                            check every test vector beside this file
    verify.py export FILE [CHECKPOINT]   verify an export as a whole, and against a checkpoint kept elsewhere
    verify.py proof FILE [CHECKPOINT]    check a proof of inclusion
    verify.py consistency FILE           check a proof of consistency

It exits with 0 if all holds, 1 if something does not, 2 if it could not be run.
"""

import datetime
import json
import re
import sys
import zlib
from pathlib import Path

try:
    import blake3
except ImportError:
    print(
        "verify.py needs the Python package `blake3`, which is not installed here: run `python3 -m pip install blake3`",
        file=sys.stderr,
    )
    sys.exit(2)


class Refused(Exception):
    """Something does not hold, or is not in the one form the document allows."""


def need(condition, why):
    if not condition:
        raise Refused(why)


# 1. Hashes


def _key(purpose):
    return blake3.blake3(b"", derive_key_context=f"convoke log v1: {purpose}").digest()


K_PAYLOAD, K_LEAF, K_NODE, K_FINGERPRINT = _key("payload"), _key("leaf"), _key("node"), _key("fingerprint")
NO_LEAVES = bytes(32)


def h_payload(data):
    return blake3.blake3(data, key=K_PAYLOAD).digest()


def h_leaf(data):
    return blake3.blake3(data, key=K_LEAF).digest()


def h_node(left, right):
    return blake3.blake3(left + right, key=K_NODE).digest()


def h_fingerprint(salt, command):
    return blake3.blake3(salt + command, key=K_FINGERPRINT).digest()


# Bytes, read front to back


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count, what):
        need(len(self.data) - self.at >= count, f"cut short in {what}")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count, what):
        return int.from_bytes(self.take(count, what), "big")

    def end(self):
        need(self.at == len(self.data), "bytes follow the end")


# 2.1 Header

LAST_TIME = 253402300799999999
ACTOR = re.compile(rb"[a-z0-9][a-z0-9._-]*")
KIND = re.compile(rb"[a-z0-9_.]+")
KEY = re.compile(rb"[\x21-\x7e]+")


def uuid_text(raw):
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def uuid_bytes(text):
    need(isinstance(text, str), "a UUID is a string")
    need(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text), f"not a UUID as it is written here: {text}")
    return bytes.fromhex(text.replace("-", ""))


def check_text(raw, most, pattern, what):
    need(1 <= len(raw) <= most, f"the length of {what} is not from 1 to {most}")
    need(pattern.fullmatch(raw), f"{what} has a byte it may not have")


def check_header(header):
    """The rules on values; `header` is a dict as `decode_header` returns it."""
    need(0 <= header["time"] <= LAST_TIME, "the time is outside its range")
    check_text(header["actor"], 64, ACTOR, "the actor")
    check_text(header["kind"], 48, KIND, "the kind")
    need(1 <= header["schema"] <= 0xFFFF, "the schema is not from 1")
    if header["idempotency"] is not None:
        check_text(header["idempotency"][0], 64, KEY, "the idempotency key")


def decode_header(data):
    read = Bytes(data)
    header = {
        "log_id": read.take(16, "the log id"),
        "position": read.number(8, "the position"),
        "event_id": read.take(16, "the event id"),
        "time": int.from_bytes(read.take(8, "the time"), "big", signed=True),
        "correlation": read.take(16, "the correlation"),
    }
    flags = read.number(1, "the flags")
    need(flags & ~3 == 0, "a flag is set that version 1 does not know")
    header["causation"] = read.take(16, "the causation") if flags & 1 else None
    header["actor"] = read.take(read.number(1, "the actor's length"), "the actor")
    header["kind"] = read.take(read.number(1, "the kind's length"), "the kind")
    header["schema"] = read.number(2, "the schema")
    header["idempotency"] = None
    if flags & 2:
        key = read.take(read.number(1, "the key's length"), "the idempotency key")
        header["idempotency"] = (key, read.take(32, "the fingerprint"))
    header["payload_hash"] = read.take(32, "the payload hash")
    read.end()
    check_header(header)
    return header


def encode_header(header):
    check_header(header)
    causation, idempotency = header["causation"], header["idempotency"]
    out = header["log_id"] + header["position"].to_bytes(8, "big") + header["event_id"]
    out += header["time"].to_bytes(8, "big", signed=True) + header["correlation"]
    out += bytes([(causation is not None) | (idempotency is not None) << 1])
    out += causation or b""
    for text in (header["actor"], header["kind"]):
        out += bytes([len(text)]) + text
    out += header["schema"].to_bytes(2, "big")
    if idempotency is not None:
        out += bytes([len(idempotency[0])]) + idempotency[0] + idempotency[1]
    return out + header["payload_hash"]


# 2.2 Salted payload


def salted(salt, payload):
    need(len(salt) == 16, "a salt has 16 bytes")
    return salt + len(payload).to_bytes(4, "big") + payload


def read_salted(read):
    """Takes salt, length and payload."""
    salt = read.take(16, "the salt")
    return salt, read.take(read.number(4, "the payload's length"), "the payload")


def check_payload(header, salt, payload):
    need(h_payload(salted(salt, payload)) == header["payload_hash"], "the payload does not match its hash")
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise Refused("the payload is not UTF-8") from wrong


# 2.3 Frame


def read_frame(read):
    """Takes one frame: the header's bytes, and (salt, payload), or None if erased."""
    header = read.take(read.number(2, "the header's length"), "the header")
    presence = read.number(1, "the presence byte")
    need(presence in (0, 1), "the presence byte is neither 0 nor 1")
    return header, read_salted(read) if presence else None


def decode_frame(data):
    read = Bytes(data)
    header, body = read_frame(read)
    read.end()
    return header, body


def encode_frame(header, body):
    out = len(header).to_bytes(2, "big") + header
    return out + b"\0" if body is None else out + b"\1" + salted(*body)


# 3. Tree


def split(size):
    """The largest power of two below `size`, which is above 1."""
    return 1 << (size - 1).bit_length() - 1


def root_of(leaves):
    if not leaves:
        return NO_LEAVES
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return h_node(root_of(leaves[:k]), root_of(leaves[k:]))


class Tree:
    """Leaves added one by one; the root so far is always at hand. Each peak is (leaves below it, hash)."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, leaf):
        self.size += 1
        self.peaks.append((1, leaf))
        while len(self.peaks) > 1 and self.peaks[-1][0] == self.peaks[-2][0]:
            (count, right), (_, left) = self.peaks.pop(), self.peaks.pop()
            self.peaks.append((2 * count, h_node(left, right)))

    def root(self):
        if not self.peaks:
            return NO_LEAVES
        root = self.peaks[-1][1]
        for _, left in reversed(self.peaks[:-1]):
            root = h_node(left, root)
        return root


def inclusion_path(leaves, index):
    """RFC 9162, 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return inclusion_path(leaves[:k], index) + [root_of(leaves[k:])]
    return inclusion_path(leaves[k:], index - k) + [root_of(leaves[:k])]


def consistency_path(leaves, old, whole=True):
    """RFC 9162, 2.1.4.1."""
    if old == len(leaves):
        return [] if whole else [root_of(leaves)]
    k = split(len(leaves))
    if old <= k:
        return consistency_path(leaves[:k], old, whole) + [root_of(leaves[k:])]
    return consistency_path(leaves[k:], old - k, False) + [root_of(leaves[:k])]


def check_inclusion(leaf, index, size, root, path):
    """RFC 9162, 2.1.3.2."""
    need(index < size, "the position is not in a log of this size")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        need(sn != 0, "the path is too long")
        if fn & 1 or fn == sn:
            r = h_node(p, r)
            while fn & 1 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = h_node(r, p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "the path is too short")
    need(r == root, "the path does not lead to the root")


def check_consistency(old_size, old_root, new_size, new_root, path):
    """RFC 9162, 2.1.4.2; and at one and the same size, which it leaves out, the roots are equal and the path is empty."""
    need(0 < old_size <= new_size, "the old size is not from 1 to the new one")
    if old_size == new_size:
        need(not path, "the path is too long")
        need(old_root == new_root, "two roots at one size")
        return
    path = list(path)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    need(path, "the path is too short")
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        need(sn != 0, "the path is too long")
        if fn & 1 or fn == sn:
            fr, sr = h_node(c, fr), h_node(c, sr)
            while fn & 1 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = h_node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "the path is too short")
    need(fr == old_root, "the path does not lead to the old root")
    need(sr == new_root, "the path does not lead to the new root")


# 5. Files: strict JSON


def strict_json(text):
    def once(pairs):
        names = [name for name, _ in pairs]
        need(len(set(names)) == len(names), "a member is there twice")
        return dict(pairs)

    def no_number(text):
        raise Refused(f"not a whole number from 0: {text}")

    def whole(text):
        return no_number(text) if text.startswith("-") or len(text) > 20 else int(text)

    try:
        return json.loads(
            text, object_pairs_hook=once, parse_float=no_number, parse_int=whole, parse_constant=no_number
        )
    except (json.JSONDecodeError, RecursionError) as wrong:
        raise Refused(f"not JSON: {wrong}") from wrong


def members(value, *names, optional=()):
    need(isinstance(value, dict), "not a JSON object")
    for name in names:
        need(name in value, f"the member `{name}` is missing")
    for name in value:
        need(name in names or name in optional, f"a member that does not belong here: `{name}`")
    return value


def u64(value, what):
    need(type(value) is int and 0 <= value < 1 << 64, f"{what} is not a whole number below 2^64")
    return value


def unhex(text, what, size=None):
    need(isinstance(text, str) and re.fullmatch(r"([0-9a-f]{2})*", text), f"{what} is not lower-case hex")
    data = bytes.fromhex(text)
    need(size is None or len(data) == size, f"{what} has not {size} bytes")
    return data


def version(value, member):
    need(value[member] == 1 and type(value[member]) is int, f"`{member}` is not 1")


def head(value):
    members(value, "size", "root")
    return u64(value["size"], "the size"), unhex(value["root"], "the root", 32)


def path_of(value):
    need(isinstance(value["path"], list), "the path is not a list")
    return [unhex(one, "a hash of the path", 32) for one in value["path"]]


TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}|\d{6}))?Z", re.ASCII)


def time_text(micros):
    when = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
    fraction = "" if when.microsecond == 0 else f".{when.microsecond:06}"
    return f"{when.year:04}-{when.strftime('%m-%dT%H:%M:%S')}{fraction.removesuffix('000')}Z"


def time_micros(text):
    need(isinstance(text, str), "a time is a string")
    parts = TIME.fullmatch(text)
    need(parts, f"not a time as it is written here: {text}")
    fraction = int((parts[7] or "").ljust(6, "0"))
    try:
        when = datetime.datetime(*(int(part) for part in parts.groups()[:6]), fraction)
    except ValueError as wrong:
        raise Refused(f"no such time: {text}") from wrong
    need(when.year >= 1970, "the time is outside its range")
    micros = (when - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)
    need(time_text(micros) == text, f"not a time as it is written here: {text}")
    return micros


# 5.1 Checkpoint


def read_checkpoint(value):
    members(value, "convoke_checkpoint", "log_id", "size", "root", "time")
    version(value, "convoke_checkpoint")
    log_id = uuid_bytes(value["log_id"])
    size, root = head({"size": value["size"], "root": value["root"]})
    need(size > 0, "a checkpoint of no events")
    return {"log_id": log_id, "size": size, "root": root, "time": time_micros(value["time"])}


# 5.2 Proof of inclusion


def check_proof(value):
    """Returns (log id, size, root, header) of a proof that holds: what it is a proof against, and of what."""
    names = ("convoke_proof", "log_id", "position", "size", "root", "header", "path")
    members(value, *names, optional=("salted_payload",))
    version(value, "convoke_proof")
    log_id, position = uuid_bytes(value["log_id"]), u64(value["position"], "the position")
    size, root = head({"size": value["size"], "root": value["root"]})
    path = path_of(value)
    raw = unhex(value["header"], "the header")
    header = decode_header(raw)
    need(header["log_id"] == log_id, "the header is of another log")
    need(header["position"] == position, "the header is of another position")
    if "salted_payload" in value:
        read = Bytes(unhex(value["salted_payload"], "the salted payload"))
        salt, payload = read_salted(read)
        read.end()
        check_payload(header, salt, payload)
    check_inclusion(h_leaf(raw), position, size, root, path)
    return log_id, size, root, header


# 5.3 Proof of consistency


def check_consistency_file(value):
    members(value, "convoke_consistency", "log_id", "old", "new", "path")
    version(value, "convoke_consistency")
    uuid_bytes(value["log_id"])
    check_consistency(*head(value["old"]), *head(value["new"]), path_of(value))


# 5.4 Export and 6 Verification


class Broken(Refused):
    """The first position at which a log does not hold."""

    def __init__(self, position, why):
        super().__init__(f"position {position}: {why}")
        self.position = position


class Verifier:
    """Section 6, fed with events and commits in order."""

    def __init__(self, log_id=None):
        self.log_id, self.time, self.tree, self.commit = log_id, 0, Tree(), 0
        self.leaves, self.erased = [], 0

    def event(self, raw, body):
        position = self.tree.size
        try:
            header = decode_header(raw)
            if self.log_id is None:
                self.log_id = header["log_id"]
            need(header["log_id"] == self.log_id, "an event of another log")
            need(header["position"] == position, "not the position that follows")
            need(header["time"] >= self.time, "the time is less than the event's before")
            need(position > 0 or header["kind"] == b"workspace.created", "position 0 is not workspace.created")
            if body is None:
                self.erased += 1
            else:
                check_payload(header, *body)
        except Refused as wrong:
            raise Broken(position, wrong) from wrong
        self.time = header["time"]
        self.leaves.append(h_leaf(raw))
        self.tree.add(self.leaves[-1])
        return header

    def committed(self, size, root):
        if self.tree.size == self.commit:
            raise Broken(self.commit, "a commit of no events")
        if size != self.tree.size:
            raise Broken(self.commit, "the commit's size is not the number of events so far")
        if root != self.tree.root():
            raise Broken(self.commit, "the commit's root is not the root of the leaves so far")
        self.commit = size


def verify_export(data):
    """Verifies a whole export (bytes). Returns its verifier and its checkpoint."""
    need(data.endswith(b"\n"), "cut short: the last line does not end")
    try:
        lines = data.decode("utf-8")[:-1].split("\n")
    except UnicodeDecodeError as wrong:
        raise Refused("not UTF-8") from wrong
    first = members(strict_json(lines[0]), "convoke_export", "log_id")
    version(first, "convoke_export")
    log = Verifier(uuid_bytes(first["log_id"]))
    checkpoint = None
    for at, line in enumerate(lines[1:], 2):
        need(checkpoint is None, f"line {at}: something follows the checkpoint")
        try:
            value = strict_json(line)
            need(isinstance(value, dict), "not a JSON object")
            if "commit" in value:
                log.committed(*head(members(value, "commit")["commit"]))
            elif "checkpoint" in value:
                checkpoint = read_checkpoint(members(value, "checkpoint")["checkpoint"])
                need(log.commit == log.tree.size, "cut short: events without their commit")
                need(
                    (checkpoint["log_id"], checkpoint["size"], checkpoint["root"], checkpoint["time"])
                    == (log.log_id, log.tree.size, log.tree.root(), log.time),
                    "the checkpoint is not the last commit's head",
                )
            else:
                members(value, "position", "header", optional=("salt", "payload"))
                need(("salt" in value) == ("payload" in value), "one of `salt` and `payload` without the other")
                body = None
                if "salt" in value:
                    need(isinstance(value["payload"], str), "the payload is not a string")
                    try:
                        body = unhex(value["salt"], "the salt", 16), value["payload"].encode("utf-8")
                    except UnicodeEncodeError as wrong:
                        raise Refused("the payload has half a surrogate pair") from wrong
                if u64(value["position"], "the position") != log.tree.size:
                    raise Broken(log.tree.size, "not the position that follows")
                log.event(unhex(value["header"], "the header"), body)
        except Broken:
            raise
        except Refused as wrong:
            raise Refused(f"line {at}: {wrong}") from wrong
    need(checkpoint is not None, "cut short: no checkpoint at the end")
    return log, checkpoint


def against_checkpoint(log, checkpoint):
    """Is this verified log a continuation of the one the checkpoint was taken of?"""
    need(log.log_id == checkpoint["log_id"], "the checkpoint is of another log")
    need(log.tree.size >= checkpoint["size"], "the log is shorter than the checkpoint: it was rolled back")
    need(
        root_of(log.leaves[: checkpoint["size"]]) == checkpoint["root"],
        "the log has another root at the checkpoint's size: it was rewritten",
    )


# 7.1 Records


def decode_record(data):
    """The position of a record's first event, its frames, each as bytes, and the root after its commit, or None if the commit goes on."""
    need(len(data) >= 4, "cut short")
    need(zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "big"), "the checksum is wrong")
    read = Bytes(data[:-4])
    need(read.number(1, "the version") == 1, "a record of another version")
    flags = read.number(1, "the flags")
    need(flags & ~1 == 0, "a flag is set that version 1 does not know")
    first = read.number(8, "the first position")
    count = read.number(4, "the count")
    need(count >= 1, "a record of no events")
    need(first + count < 1 << 64, "positions beyond 64 bits")
    root = read.take(32, "the root") if flags & 1 else None
    ends = Bytes(read.take(4 * count, "the ends"))
    frames, start = [], 0
    for _ in range(count):
        end = ends.number(4, "an end")
        need(end > start, "a frame ends before it starts")
        frames.append(read.take(end - start, "a frame"))
        decode_frame(frames[-1])
        start = end
    read.end()
    return first, frames, root


def encode_record(first, frames, root):
    out = bytes([1, root is not None]) + first.to_bytes(8, "big") + len(frames).to_bytes(4, "big") + (root or b"")
    end = 0
    for frame in frames:
        end += len(frame)
        out += end.to_bytes(4, "big")
    out += b"".join(frames)
    return out + zlib.crc32(out).to_bytes(4, "big")


def record_key(number):
    return (number // 7).to_bytes(8, "big") + bytes([number % 7])


def verify_records(records):
    """Section 6 over a store's records: (key, value) pairs in order of their keys."""
    log = Verifier()
    number = 0
    for key, value in records:
        if len(key) == 9 and key[8] >= 7:
            need(value == b"", "a filler with a value")
            continue
        position = log.tree.size
        try:
            need(key == record_key(number), "the record's key is not that of the number that follows")
            first, frames, root = decode_record(value)
            need(first == position, "the record's first event is not the one that follows")
        except Refused as wrong:
            raise Broken(position, wrong) from wrong
        number += 1
        for frame in frames:
            log.event(*decode_frame(frame))
        if root is not None:
            log.committed(log.tree.size, root)
    need(log.commit == log.tree.size, f"position {log.commit}: a commit without its end")
    return log


# 7.2 Recorded head

HEAD_FILE = 4096 + 512


def head_slot(log_id, size, root):
    out = b"CVKHEAD1" + log_id + size.to_bytes(8, "big") + root
    return (out + zlib.crc32(out).to_bytes(4, "big")).ljust(512, b"\0")


def read_head_slot(slot):
    """(log id, size, root) of a slot, or None if it is not valid."""
    if len(slot) < 68 or slot[:8] != b"CVKHEAD1" or zlib.crc32(slot[:64]) != int.from_bytes(slot[64:68], "big"):
        return None
    return slot[8:24], int.from_bytes(slot[24:32], "big"), slot[32:64]


def read_recorded_head(data):
    slots = [read_head_slot(data[at : at + 512]) for at in (0, 4096)]
    return max((slot for slot in slots if slot), key=lambda slot: slot[1], default=None)


def read_text(name):
    try:
        return Path(name).read_bytes().decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise Refused(f"{name} is not UTF-8") from wrong


def main(arguments):
    match arguments:
        case []:
            from check_vectors import check_vectors

            checked, failed = check_vectors()
            need(not failed, "\n".join([f"{len(failed)} of {checked} checks of the test vectors failed:", *failed]))
            return f"{checked} checks of the test vectors hold"
        case ["export", name, *more] if len(more) < 2:
            log, checkpoint = verify_export(Path(name).read_bytes())
            for other in more:
                against_checkpoint(log, read_checkpoint(strict_json(read_text(other))))
            erased = f", {log.erased} of them erased" if log.erased else ""
            return f"{log.tree.size} events of log {uuid_text(log.log_id)} hold{erased}; root {log.tree.root().hex()}"
        case ["proof", name, *more] if len(more) < 2:
            log_id, size, root, header = check_proof(strict_json(read_text(name)))
            for other in more:
                checkpoint = read_checkpoint(strict_json(read_text(other)))
                need(
                    (log_id, size, root) == (checkpoint["log_id"], checkpoint["size"], checkpoint["root"]),
                    "the proof is for another head than the checkpoint's",
                )
            against = "" if more else "; whether that is the log's root, only a checkpoint can tell"
            return (
                f"event {header['position']} ({header['kind'].decode()}) is in the log with root {root.hex()}{against}"
            )
        case ["consistency", name]:
            check_consistency_file(strict_json(read_text(name)))
            return "the log with the new root begins with the log with the old one"
        case _:
            print(__doc__, file=sys.stderr)
            sys.exit(2)


if __name__ == "__main__":
    try:
        print(main(sys.argv[1:]))
    except Refused as wrong:
        print(wrong, file=sys.stderr)
        sys.exit(1)
    except OSError as wrong:
        print(f"{wrong.filename}: {wrong.strerror}", file=sys.stderr)
        sys.exit(2)
