//! Bytes from anywhere: a decoder refuses them or reads them back exactly, and never panics.

use convoke_core::{
    id::{EventId, LogId},
    log::{
        CheckedEvent, Checkpoint, Commit, CommitBuilder, ConsistencyProof, EventRef, FrameError, Hash, Head, Header,
        Idempotency, InclusionProof, Kind, export::ExportReader, leaf_hash,
    },
    name::{ActorName, Key},
    time::Timestamp,
};
use proptest::{collection::vec, option, prelude::*};

fn header() -> impl Strategy<Value = Header> {
    let id = any::<[u8; 16]>();
    let idempotency = option::of(("[!-~]{1,64}", any::<[u8; 32]>()));
    let who_what = ("[a-z0-9][a-z0-9._-]{0,63}", "[a-z0-9_.]{1,48}", 1_u16..);
    (id, any::<u64>(), id, 0..=Timestamp::MAX.us(), id, option::of(id), who_what, idempotency, any::<[u8; 32]>())
        .prop_map(
            |(log_id, position, event_id, time, correlation, causation, (actor, kind, schema), idempotency, hash)| {
                Header {
                    log_id: LogId::from_bytes(log_id),
                    position,
                    event_id: EventId::from_bytes(event_id),
                    time: Timestamp::from_us(time).unwrap(),
                    actor: ActorName::parse(&actor).unwrap(),
                    kind: Kind::parse(&kind).unwrap(),
                    schema,
                    correlation: EventId::from_bytes(correlation),
                    causation: causation.map(EventId::from_bytes),
                    idempotency: idempotency
                        .map(|(key, hash)| Idempotency { key: Key::parse(&key).unwrap(), fingerprint: Hash(hash) }),
                    payload_hash: Hash(hash),
                }
            },
        )
}

fn commit() -> impl Strategy<Value = Commit> {
    (any::<u32>(), vec((header(), any::<[u8; 16]>(), ".{0,40}", any::<bool>()), 1..5)).prop_map(|(first, events)| {
        let mut builder = CommitBuilder::new(first.into());
        let mut erased = Vec::new();
        for (header, salt, payload, erase) in events {
            builder.push(header, salt, payload.as_bytes());
            erased.push(erase);
        }
        let mut frames = Vec::new();
        for (event, erase) in builder.finish().events().zip(erased) {
            let salted_payload = event.salted_payload.filter(|_| !erase);
            EventRef { salted_payload, ..event }.put(&mut frames).unwrap();
        }
        Commit::from_frames(first.into(), frames).unwrap()
    })
}

/// Edits of bytes: overwrite, cut, repeat.
fn edited(mut bytes: Vec<u8>, edits: &[(usize, u8, u8)]) -> Vec<u8> {
    for (at, to, how) in edits {
        let at = at % (bytes.len() + 1);
        match how % 4 {
            0 | 1 if at < bytes.len() => bytes[at] = *to,
            2 => bytes.truncate(at),
            _ => bytes.insert(at, *to),
        }
    }
    bytes
}

fn edits() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    vec((any::<usize>(), any::<u8>(), any::<u8>()), 0..4)
}

fn encode(header: &Header) -> Vec<u8> {
    let mut bytes = Vec::new();
    header.encode(&mut bytes);
    bytes
}

fn frames_are_refused_or_exact(first: u64, bytes: Vec<u8>) {
    let Ok(commit) = Commit::from_frames(first, bytes.clone()) else { return };
    let mut again = Vec::new();
    for (position, event) in (commit.first()..commit.end()).zip(commit.events()) {
        event.put(&mut again).unwrap();
        assert_eq!(commit.event(position), Some(event));
        let _ = CheckedEvent::of(event);
        assert_eq!(event.salt().is_some(), event.payload().is_some());
    }
    assert_eq!(again, bytes);
    assert_eq!(commit.events().count(), commit.len());
    for outside in [commit.end(), u64::MAX, commit.first().wrapping_sub(1)] {
        assert_eq!(commit.event(outside), None);
    }
}

proptest! {
    #[test]
    fn a_header_is_what_it_was_after_encoding_and_decoding(header in header()) {
        let bytes = encode(&header);
        prop_assert!(bytes.len() <= Header::BYTES_MAX);
        prop_assert_eq!(Header::decode(&bytes), Ok(header));
    }

    #[test]
    fn a_header_with_any_bit_flipped_is_refused_or_another_header(header in header()) {
        let bytes = encode(&header);
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = Header::decode(&flipped) {
                prop_assert_ne!(&other, &header);
                prop_assert_eq!(encode(&other), flipped.clone());
                prop_assert_ne!(leaf_hash(&flipped), leaf_hash(&bytes));
            }
        }
    }

    #[test]
    fn bytes_are_no_header_or_its_one_encoding(header in header(), edits in edits(), noise in vec(any::<u8>(), 0..400)) {
        for bytes in [edited(encode(&header), &edits), noise] {
            if let Ok(header) = Header::decode(&bytes) {
                prop_assert_eq!(encode(&header), bytes);
            }
        }
    }

    #[test]
    fn bytes_are_no_frames_or_these_frames(commit in commit(), edits in edits(), noise in vec(any::<u8>(), 0..400)) {
        frames_are_refused_or_exact(commit.first(), commit.frames().to_vec());
        frames_are_refused_or_exact(commit.first(), edited(commit.frames().to_vec(), &edits));
        let beyond = Commit::from_frames(u64::MAX, commit.frames().to_vec());
        prop_assert_eq!(beyond, Err(FrameError::TooLong));
        frames_are_refused_or_exact(0, noise);
    }

    #[test]
    fn a_built_commit_holds_what_was_put_in(commit in commit()) {
        for (position, event) in (commit.first()..).zip(commit.events()) {
            prop_assert_eq!(event.decode_header().map(|header| header.position), Ok(position));
            prop_assert!(event.payload_matches());
        }
    }

    #[test]
    fn a_hand_made_event_is_refused_or_read_back(header in vec(any::<u8>(), 0..200), salted in option::of(vec(any::<u8>(), 0..60))) {
        let event = EventRef { header: &header, salted_payload: salted.as_deref() };
        let (_, _, _, _) = (event.salt(), event.payload(), event.payload_matches(), CheckedEvent::of(event));
        let mut frame = Vec::new();
        match event.put(&mut frame) {
            Ok(()) => prop_assert_eq!(EventRef::take(&mut frame.as_slice()), Ok(event)),
            Err(_) => prop_assert!(frame.is_empty()),
        }
    }

    #[test]
    fn a_proof_of_anything_is_checked_without_panic(
        (old, new) in prop_oneof![any::<(u64, u64)>(), (0_u64..9, 0_u64..9)],
        path in vec(any::<[u8; 32]>().prop_map(Hash), 0..70),
        header in header(),
    ) {
        let log_id = header.log_id;
        let root = leaf_hash(b"root");
        let consistency = ConsistencyProof {
            convoke_consistency: 1, log_id, old: Head { size: old, root }, new: Head { size: new, root }, path: path.clone(),
        };
        prop_assert_eq!(consistency.check().is_ok(), old == new && new > 0 && path.is_empty());
        let header = encode(&Header { position: old, ..header });
        let event = EventRef { header: &header, salted_payload: None };
        let inclusion = InclusionProof::new(log_id, old, Head { size: new, root }, event, path);
        prop_assert!(inclusion.check().is_err());
    }

    #[test]
    fn files_of_any_text_are_read_or_refused(text in ".{0,200}", number in any::<u64>()) {
        for text in [text.clone(), format!("{{\"convoke_proof\":{number},{text}"), format!("[{text}]")] {
            prop_assert!(Checkpoint::from_json(&text).is_err());
            prop_assert!(InclusionProof::from_json(&text).is_err());
            prop_assert!(ConsistencyProof::from_json(&text).is_err());
        }
    }
}

/// The vectors' small log: `(export, a proof of inclusion, a proof of consistency)`.
fn samples() -> (String, String, String) {
    let vectors: serde_json::Value = serde_json::from_str(include_str!("../../../tests/vectors/log-v1.json")).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (text(&vectors["export"]), text(&vectors["proofs"][3]), text(&vectors["consistency_files"][3]))
}

/// What an export serves, if it holds: the frames of its commits, and its checkpoint.
fn served(export: &[u8]) -> Option<(Vec<u8>, Checkpoint)> {
    let mut lines = export.split_inclusive(|b| *b == b'\n');
    let mut reader = ExportReader::open(lines.next().unwrap_or_default()).ok()?;
    let mut frames = Vec::new();
    for line in lines {
        if let Some(commit) = reader.line(line).ok()? {
            frames.extend_from_slice(commit.commit.frames());
        }
    }
    Some((frames, reader.finish().ok()?))
}

#[test]
fn every_bit_of_an_export_flipped_is_found_or_changes_nothing_that_is_served() {
    let export = samples().0.into_bytes();
    let original = served(&export).unwrap();
    let mut unnoticed = 0;
    for bit in 0..8 * export.len() {
        let mut flipped = export.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Some(other) = served(&flipped) {
            assert_eq!(other, original, "bit {bit}");
            unnoticed += 1;
        }
    }
    // A flipped bit in the case of an escape's hex digit or the like; not in anything else.
    assert!(unnoticed < 10, "{unnoticed} flips changed nothing");
}

#[test]
fn every_bit_of_a_proof_flipped_is_found_or_changes_at_most_the_size() {
    let (_, inclusion, consistency) = samples();
    for bit in 0..8 * inclusion.len() {
        let Some(text) = with_bit_flipped(&inclusion, bit) else { continue };
        if let Ok(proof) = InclusionProof::from_json(&text)
            && proof.check().is_ok()
        {
            let original = InclusionProof::from_json(&inclusion).unwrap();
            assert_eq!(InclusionProof { size: original.size, ..proof }, original, "bit {bit}");
        }
    }
    for bit in 0..8 * consistency.len() {
        let Some(text) = with_bit_flipped(&consistency, bit) else { continue };
        if let Ok(proof) = ConsistencyProof::from_json(&text)
            && proof.check().is_ok()
        {
            let original = ConsistencyProof::from_json(&consistency).unwrap();
            let (old, new) =
                (Head { size: original.old.size, ..proof.old }, Head { size: original.new.size, ..proof.new });
            assert_eq!(ConsistencyProof { old, new, log_id: original.log_id, ..proof }, original, "bit {bit}");
        }
    }
}

fn with_bit_flipped(text: &str, bit: usize) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    String::from_utf8(bytes).ok()
}
