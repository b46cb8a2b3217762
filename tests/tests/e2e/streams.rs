//! A client that reads a long answer slowly holds up nobody, and gets all of it.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    thread,
    time::Duration,
};

use convoke_tests::workspace::Workspace;

use crate::workspace;

#[test]
fn an_export_that_is_read_slowly_comes_to_its_end_and_blocks_nobody() {
    let workspace = workspace();
    let text = "x".repeat(30_000);
    for _ in 0..60 {
        workspace.ok("alice", &["send", "bob", &text]);
    }
    // Whether the daemon has to wait at the last piece depends on the size to the byte: several sizes.
    for _ in 0..16 {
        workspace.ok("alice", &["send", "bob", &text[..7_000]]);
        read_slowly(&workspace);
    }
}

/// Reads an export more slowly than the daemon reads its log, and has a command answered meanwhile.
fn read_slowly(workspace: &Workspace) {
    let mut stream = UnixStream::connect(workspace.inside("daemon.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(b"GET /v1/export HTTP/1.1\r\nhost: convoke\r\nconnection: close\r\n\r\n").unwrap();
    let (mut read, mut piece, mut answered) = (Vec::new(), vec![0; 64 * 1024], false);
    loop {
        thread::sleep(Duration::from_millis(5));
        match stream.read(&mut piece).unwrap_or_else(|error| panic!("after {} bytes: {error}", read.len())) {
            0 => break,
            bytes => read.extend_from_slice(&piece[..bytes]),
        }
        if !answered && read.len() > 300_000 {
            workspace.ok("alice", &["send", "bob", "meanwhile"]);
            answered = true;
        }
    }
    assert!(read.ends_with(b"0\r\n\r\n"), "the answer is whole");
    let end = String::from_utf8_lossy(&read[read.len() - 400..]).into_owned();
    assert!(end.contains("checkpoint"), "{end}");
    assert!(answered, "somebody was answered meanwhile");
}
