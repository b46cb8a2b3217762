"""The checks of the test vectors beside this file, by verify.py; `verify.py` without arguments runs them."""

import json
from pathlib import Path

from verify import (
    NO_LEAVES,
    Broken,
    Refused,
    Tree,
    against_checkpoint,
    check_consistency,
    check_consistency_file,
    check_inclusion,
    check_payload,
    check_proof,
    consistency_path,
    decode_frame,
    decode_header,
    decode_record,
    encode_frame,
    encode_header,
    encode_record,
    h_fingerprint,
    h_leaf,
    h_node,
    h_payload,
    inclusion_path,
    read_checkpoint,
    read_recorded_head,
    root_of,
    strict_json,
    uuid_bytes,
    verify_export,
    verify_records,
)


def refuses(check, *arguments):
    """The reason for which a check refuses, or None if it does not."""
    try:
        check(*arguments)
    except Refused as wrong:
        return wrong
    return None


def check_file(check):
    """A check of a file, made one of its text."""
    return lambda text: check(strict_json(text))


class Vectors:
    """Checks each chapter of the vectors, and counts."""

    def __init__(self):
        self.checked, self.failed = 0, []

    def expect(self, holds, what):
        self.checked += 1
        if not holds:
            self.failed.append(what)

    def edits(self, text, check, edits, refused, name):
        for edit in edits:
            what = f"{name}: {edit['name']}"
            self.expect(text.count(edit["find"]) == 1, f"{what}: is there once")
            wrong = refuses(check, text.replace(edit["find"], edit["put"], 1))
            self.expect((wrong is not None) == refused, f"{what}: {wrong or 'not refused'}")
            position = wrong.position if isinstance(wrong, Broken) else None
            self.expect(position == edit.get("position"), f"{what}: position {position}, not {edit.get('position')}")

    def log(self, vectors):
        self.hashes(vectors)
        self.headers(vectors)
        self.frames(vectors)
        self.trees(vectors)
        self.files(vectors)

    def hashes(self, vectors):
        functions = {
            "payload": h_payload,
            "leaf": h_leaf,
            "node": lambda data: h_node(data[:32], data[32:]),
            "fingerprint": lambda data: h_fingerprint(data[:16], data[16:]),
        }
        for one in vectors["hashes"]:
            hashed = functions[one["of"]](bytes.fromhex(one["input"])).hex()
            self.expect(hashed == one["hash"], f"hash of {one['of']} {one['input'][:40]}")

    def headers(self, vectors):
        for one in vectors["headers"]:
            key = one["key"]
            header = {
                "log_id": uuid_bytes(one["log_id"]),
                "position": one["position"],
                "event_id": uuid_bytes(one["event_id"]),
                "time": one["time_us"],
                "correlation": uuid_bytes(one["correlation"]),
                "causation": uuid_bytes(one["causation"]) if one["causation"] else None,
                "actor": one["actor"].encode(),
                "kind": one["kind"].encode(),
                "schema": one["schema"],
                "idempotency": (key.encode(), bytes.fromhex(one["fingerprint"])) if key else None,
                "payload_hash": bytes.fromhex(one["payload_hash"]),
            }
            encoding = bytes.fromhex(one["encoding"])
            what = f"header, {one['name']}"
            self.expect(encode_header(header) == encoding, f"{what}: encodes")
            self.expect(decode_header(encoding) == header, f"{what}: decodes")
            self.expect(h_leaf(encoding).hex() == one["leaf"], f"{what}: leaf")
            for bit in range(8 * len(encoding)):
                flipped = bytearray(encoding)
                flipped[bit // 8] ^= 1 << bit % 8
                try:
                    again = encode_header(decode_header(bytes(flipped)))
                except Refused:
                    continue
                self.expect(again == flipped, f"{what}: bit {bit} flipped is another encoding of the same")
        for one in vectors["headers_refused"]:
            self.expect(refuses(decode_header, bytes.fromhex(one["encoding"])), f"header, {one['name']}: not refused")

    def frames(self, vectors):
        for one in vectors["frames"]:
            frame, header = bytes.fromhex(one["frame"]), bytes.fromhex(one["header"])
            body = None if one["salt"] is None else (bytes.fromhex(one["salt"]), one["payload"].encode())
            self.expect(encode_frame(header, body) == frame, "frame: encodes")
            self.expect(decode_frame(frame) == (header, body), "frame: decodes")
            if body:
                self.expect(not refuses(check_payload, decode_header(header), *body), "frame: payload matches")
        for one in vectors["frames_refused"]:
            self.expect(refuses(decode_frame, bytes.fromhex(one["frame"])), f"frame, {one['name']}: not refused")

    def trees(self, vectors):
        roots = [bytes.fromhex(root) for root in vectors["tree_roots"]]
        leaves = [h_leaf(index.to_bytes(8, "big")) for index in range(len(roots) - 1)]
        tree = Tree()
        for size, root in enumerate(roots):
            self.expect(root_of(leaves[:size]) == root == tree.root(), f"root of {size} leaves")
            if size < len(leaves):
                tree.add(leaves[size])
        for one in vectors["inclusion"]:
            position, size, path = one["position"], one["size"], [bytes.fromhex(step) for step in one["path"]]
            what = f"inclusion of {position} in {size}"
            self.expect(inclusion_path(leaves[:size], position) == path, f"{what}: path")
            check = (leaves[position], position, size, roots[size], path)
            self.expect(not refuses(check_inclusion, *check), f"{what}: holds")
            self.expect(refuses(check_inclusion, NO_LEAVES, *check[1:]), f"{what}: another leaf")
            self.expect(refuses(check_inclusion, *check[:4], path + [NO_LEAVES]), f"{what}: longer")
            self.expect(not path or refuses(check_inclusion, *check[:4], path[:-1]), f"{what}: shorter")
        for one in vectors["consistency"]:
            old, new, path = one["old"], one["new"], [bytes.fromhex(step) for step in one["path"]]
            what = f"consistency of {old} and {new}"
            self.expect(consistency_path(leaves[:new], old) == path, f"{what}: path")
            self.expect(not refuses(check_consistency, old, roots[old], new, roots[new], path), f"{what}: holds")
            self.expect(refuses(check_consistency, old, NO_LEAVES, new, roots[new], path), f"{what}: another old root")
            self.expect(refuses(check_consistency, old, roots[old], new, NO_LEAVES, path), f"{what}: another new root")
            longer = path + [NO_LEAVES]
            self.expect(refuses(check_consistency, old, roots[old], new, roots[new], longer), f"{what}: longer")
            shorter = path[:-1]
            self.expect(
                not path or refuses(check_consistency, old, roots[old], new, roots[new], shorter), f"{what}: shorter"
            )

    def files(self, vectors):
        verify = lambda text: verify_export(text.encode())
        try:
            log, checkpoint = verify(vectors["export"])
        except Refused as wrong:
            self.expect(False, f"export: {wrong}")
            return
        self.expect(
            strict_json(vectors["checkpoint"]) == strict_json(vectors["export"].splitlines()[-1])["checkpoint"],
            "checkpoint",
        )
        self.expect(not refuses(against_checkpoint, log, checkpoint), "the export against its checkpoint")
        self.edits(vectors["export"], verify, vectors["exports_accepted"], False, "export")
        self.edits(vectors["export"], verify, vectors["exports_refused"], True, "export")
        self.edits(
            vectors["checkpoint"], check_file(read_checkpoint), vectors["checkpoints_refused"], True, "checkpoint"
        )
        for text in vectors["proofs"]:
            self.expect(not refuses(check_file(check_proof), text), "proof holds")
        for text in vectors["consistency_files"]:
            self.expect(not refuses(check_file(check_consistency_file), text), "consistency holds")
        for chapter, check, refused in (
            ("proofs_accepted", check_proof, False),
            ("proofs_refused", check_proof, True),
            ("consistency_files_refused", check_consistency_file, True),
        ):
            for one in vectors[chapter]:
                self.expect(not refuses(check_file(check), one["of"]), f"{chapter}: the text itself")
                self.edits(one["of"], check_file(check), one["edits"], refused, chapter)

    def records(self, vectors):
        for one in vectors["records"]:
            record = bytes.fromhex(one["record"])
            frames = [bytes.fromhex(frame) for frame in one["frames"]]
            root = None if one["root"] is None else bytes.fromhex(one["root"])
            self.expect(decode_record(record) == (one["first"], frames, root), f"record, {one['name']}: decodes")
            self.expect(encode_record(one["first"], frames, root) == record, f"record, {one['name']}: encodes")
        for one in vectors["records_refused"]:
            self.expect(refuses(decode_record, bytes.fromhex(one["record"])), f"record, {one['name']}: not refused")
        for one in vectors["stores"]:
            records = [(bytes.fromhex(key), bytes.fromhex(value)) for key, value in one["records"]]
            wrong = refuses(verify_records, records)
            self.expect((wrong is None) == one["holds"], f"store, {one['name']}: {wrong or 'not refused'}")
        for one in vectors["heads"]:
            data = bytearray()
            for at, part in one["parts"].items():
                data = data.ljust(int(at), b"\0") + bytes.fromhex(part)
            found = read_recorded_head(bytes(data))
            stated = None
            if one["head"] is not None:
                stated = (uuid_bytes(one["head"]["log_id"]), one["head"]["size"], bytes.fromhex(one["head"]["root"]))
            self.expect(found == stated, f"recorded head, {one['name']}")


def check_vectors():
    """How many checks were made, and those that failed."""
    folder = Path(__file__).resolve().parent
    vectors = Vectors()
    vectors.log(json.loads((folder / "log-v1.json").read_text("utf-8")))
    vectors.records(json.loads((folder / "records-v1.json").read_text("utf-8")))
    return vectors.checked, vectors.failed
