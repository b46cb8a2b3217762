//! A disk whose power can be cut: an ext4 filesystem in a file.

use std::{
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use crate::Outcome;

/// `EXT4_IOC_SHUTDOWN` with "no log flush": from now on nothing reaches the filesystem, as when the power is gone. An
/// `ioctl` of this kind is unsafe in Rust, which this workspace forbids; Python has it in its standard library.
const CUT: &str = "import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(fd, 0x8004587d, struct.pack('I', 2))";

/// A mounted filesystem; unmounted and removed when this is dropped.
pub(crate) struct Disk {
    image: PathBuf,
    mount_point: PathBuf,
}

impl Disk {
    /// Makes and mounts a filesystem of so many megabytes.
    pub(crate) fn new(folder: &Path, megabytes: u64) -> Outcome<Self> {
        let disk = Self { image: folder.join("disk.img"), mount_point: folder.join("disk") };
        std::fs::File::create(&disk.image)?.set_len(megabytes * 1_000_000)?;
        std::fs::create_dir_all(&disk.mount_point)?;
        command("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), &disk.image])?;
        disk.mount()?;
        Ok(disk)
    }

    pub(crate) fn mount_point(&self) -> &Path {
        &self.mount_point
    }

    /// Cuts the power.
    pub(crate) fn cut(&self) -> Outcome<()> {
        command("python3", &["-c".as_ref(), CUT.as_ref(), &self.mount_point])
    }

    /// Mounts it anew after a cut; the filesystem replays its journal.
    pub(crate) fn mount_again(&self) -> Outcome<()> {
        self.unmount()?;
        self.mount()
    }

    pub(crate) fn make_read_only(&self) -> Outcome<()> {
        command("mount", &["-o".as_ref(), "remount,ro".as_ref(), &self.mount_point])
    }

    /// Holds every write back from now on.
    pub(crate) fn freeze(&self) -> Outcome<()> {
        command("fsfreeze", &["-f".as_ref(), &self.mount_point])
    }

    /// Lets the writes go on.
    pub(crate) fn thaw(&self) -> Outcome<()> {
        command("fsfreeze", &["-u".as_ref(), &self.mount_point])
    }

    fn mount(&self) -> Outcome<()> {
        command("mount", &["-o".as_ref(), "loop".as_ref(), &self.image, &self.mount_point])
    }

    fn unmount(&self) -> Outcome<()> {
        let mut outcome = Ok(());
        for _ in 0..50 {
            outcome = command("umount", &[&self.mount_point]);
            if outcome.is_ok() {
                break;
            }
            // A process that was killed may take a moment to let go of its files.
            thread::sleep(Duration::from_millis(100));
        }
        outcome
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.unmount();
        let _ = std::fs::remove_file(&self.image);
    }
}

/// Tries whether a disk can be made here and its power cut; says why not.
pub(crate) fn is_possible(folder: &Path) -> Outcome<()> {
    let disk = Disk::new(folder, 20)?;
    disk.cut()?;
    disk.mount_again()
}

fn command(program: &str, args: &[&Path]) -> Outcome<()> {
    let output = Command::new(program).args(args).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}
