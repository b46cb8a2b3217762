//! The daemon's socket, whatever the length of its path.
//!
//! Unix allows some 107 bytes for a socket's path. A longer one is reached through the folder's open descriptor, by the short
//! path `/proc/self/fd/N/daemon.sock`.

use std::{
    fs::File,
    io::{self, ErrorKind},
    os::{
        fd::AsRawFd as _,
        unix::{
            ffi::OsStrExt as _,
            fs::PermissionsExt as _,
            net::{UnixListener, UnixStream},
        },
    },
    path::Path,
};

use super::SOCKET_FILE;

const PATH_BYTES_MAX: usize = 107;

/// Connects to the daemon of this folder, without waiting: where it takes no connection now, that is `WouldBlock`. The stream does
/// not block either.
pub(crate) fn connect(folder: &Path) -> io::Result<UnixStream> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
    reach(folder, |path| {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&socket, &SocketAddrUnix::new(path)?)?;
        Ok(UnixStream::from(socket))
    })
}

/// Listens in this folder, for this user only. Whoever calls holds the lock, so that a socket found there is stale.
pub(crate) fn bind(folder: &Path) -> io::Result<UnixListener> {
    remove(folder)?;
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let bound = reach(folder, |path| UnixListener::bind(path));
    rustix::process::umask(before);
    let listener = bound?;
    std::fs::set_permissions(folder.join(SOCKET_FILE), std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Whether there is a socket in this folder.
pub(crate) fn is_in_place(folder: &Path) -> bool {
    folder.join(SOCKET_FILE).symlink_metadata().is_ok()
}

/// Removes the socket, if it is there.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_file(folder.join(SOCKET_FILE)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn reach<T>(folder: &Path, with: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
    let path = folder.join(SOCKET_FILE);
    if path.as_os_str().as_bytes().len() <= PATH_BYTES_MAX {
        return with(&path);
    }
    let open = File::open(folder)?;
    with(Path::new(&format!("/proc/self/fd/{}/{SOCKET_FILE}", open.as_raw_fd())))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn whoever_finds_no_room_does_not_wait() {
        let place = tempfile::tempdir().unwrap();
        let _listener = bind(place.path()).unwrap();
        let mut streams = Vec::new();
        let refused = loop {
            match connect(place.path()) {
                Ok(stream) => streams.push(stream),
                Err(error) => break error,
            }
            assert!(streams.len() < 10_000, "the queue has no end");
        };
        assert_eq!(refused.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn a_socket_is_reached_by_a_path_of_any_length() {
        for part in ["short", &"long".repeat(50)] {
            let place = tempfile::tempdir().unwrap();
            let folder = place.path().join(part).join(part);
            std::fs::create_dir_all(&folder).unwrap();
            assert_eq!(connect(&folder).unwrap_err().kind(), ErrorKind::NotFound);
            let listener = bind(&folder).unwrap();
            let stream = connect(&folder).unwrap();
            assert_eq!((&stream).read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
            let mode = folder.join(SOCKET_FILE).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            drop(listener);
            assert_eq!(connect(&folder).unwrap_err().kind(), ErrorKind::ConnectionRefused, "stale");
            bind(&folder).unwrap();
            remove(&folder).unwrap();
            remove(&folder).unwrap();
        }
    }
}
