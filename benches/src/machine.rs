//! What the operating system tells: of the machine, of files, of memory.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use convoke_core::time::Timestamp;

/// Today's date.
pub(crate) fn today() -> String {
    let us = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_micros();
    let now = Timestamp::from_us(i64::try_from(us).unwrap_or_default()).unwrap_or_default().to_string();
    now.split('T').next().unwrap_or_default().to_owned()
}

/// Its processor and how many of them.
pub(crate) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':')).map(|(_, name)| name);
    format!("{cores} cores ({})", model.unwrap_or("unknown").trim())
}

/// Bytes of the files below a folder.
pub(crate) fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Resident memory of a process, in bytes.
pub(crate) fn resident_bytes(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// Processor time that a process has taken so far, in seconds, by the names of its threads. Threads that have ended are left out.
pub(crate) fn processor_s(process: &str) -> BTreeMap<String, f64> {
    let mut threads = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
        let read = |file: &str| fs::read_to_string(thread.path().join(file)).unwrap_or_default();
        let ns: Option<f64> = read("schedstat").split_whitespace().next().and_then(|ns| ns.parse().ok());
        // A pool's threads are one.
        let comm = read("comm");
        let name = comm.trim().trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
        *threads.entry(name.to_owned()).or_default() += ns.unwrap_or_default() / 1e9;
    }
    threads
}

/// What each thread has taken since, in microseconds for each of so many pieces of work: `main 9.1 + append 2.0 µs`.
pub(crate) fn processor_us(process: &str, before: &BTreeMap<String, f64>, pieces: u64) -> String {
    let since = processor_s(process).into_iter().map(|(name, s)| {
        let us = (s - before.get(&name).copied().unwrap_or_default()) * 1e6 / pieces as f64;
        (us, name)
    });
    let mut since: Vec<(f64, String)> = since.filter(|(us, _)| *us >= 0.05).collect();
    since.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let total: f64 = since.iter().map(|(us, _)| us).sum();
    let each: Vec<String> = since.iter().map(|(us, name)| format!("{name} {us:.1}")).collect();
    format!("{total:.1} µs of processor ({})", each.join(", "))
}

/// Copies a folder with all below it.
pub(crate) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.metadata()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// A folder of our own for the time of a benchmark: on the disk that the build is on, for `/tmp` may be memory.
pub(crate) fn scratch() -> std::io::Result<tempfile::TempDir> {
    let folder = std::env::var_os("CONVOKE_BENCH_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench"), Into::into);
    fs::create_dir_all(&folder)?;
    tempfile::tempdir_in(folder)
}
