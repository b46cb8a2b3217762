//! Roots, and proofs over trees of plain leaves: leaf i is the leaf hash of i as 8 bytes, big-endian.

use std::convert::Infallible;

use convoke_core::log::{Hash, consistency_path, inclusion_path, leaf_hash, range_root};
use serde_json::{Map, Value, json};

const SIZE_MAX: u64 = 300;

pub(super) fn chapters() -> Map<String, Value> {
    let leaves: Vec<Hash> = (0..SIZE_MAX).map(|i| leaf_hash(&i.to_be_bytes())).collect();
    let root = |start: u64, end: u64| Ok::<_, Infallible>(range_root(&leaves[start as usize..end as usize]));
    let roots: Vec<Hash> = (0..=leaves.len()).map(|size| range_root(&leaves[..size])).collect();

    let mut inclusion = Vec::new();
    for size in (1..=9).chain([31, 32, 33, 255, 256, 257, SIZE_MAX]) {
        let interesting =
            |p: &u64| size <= 9 || *p < 2 || *p + 2 > size || [30, 31, 32, 127, 128, 254, 255, 256].contains(p);
        for position in (0..size).filter(interesting) {
            let Ok(path) = inclusion_path(position, size, root);
            inclusion.push(json!({"position": position, "size": size, "path": path}));
        }
    }
    let mut consistency = Vec::new();
    for new in (1..=9).chain([31, 32, 33, 255, 256, 257, SIZE_MAX]) {
        let interesting = |o: &u64| new <= 9 || [1, 2, 3, 16, 17, 31, 32, 33, 128, 255, 256, 257, 299, 300].contains(o);
        for old in (1..=new).filter(interesting) {
            let Ok(path) = consistency_path(old, new, root);
            consistency.push(json!({"old": old, "new": new, "path": path}));
        }
    }
    let mut chapters = Map::new();
    chapters.insert("tree_roots".to_owned(), json!(roots));
    chapters.insert("inclusion".to_owned(), inclusion.into());
    chapters.insert("consistency".to_owned(), consistency.into());
    chapters
}
