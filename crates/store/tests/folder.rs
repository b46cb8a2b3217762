//! The folder of a store: who may open it, and what happens when it goes away.

use std::{fs, sync::Arc};

use convoke_core::log::Head;
use convoke_store::{AppendError, Log, OpenError, SledLog, conformance::run, sample};

#[test]
fn a_log_is_made_once_and_opened_by_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/log");
    assert!(matches!(SledLog::open(&path), Err(OpenError::Missing(at)) if at == path));
    let log = SledLog::create(&path).unwrap();
    assert_eq!((log.head(), log.log_id()), (Head::EMPTY, None));
    assert!(matches!(SledLog::open(&path), Err(OpenError::Locked(at)) if at == path));
    assert!(matches!(SledLog::open_or_create(&path), Err(OpenError::Locked(_))));
    assert!(matches!(SledLog::create(&path), Err(OpenError::Locked(_))));
    assert!(matches!(SledLog::open_copy(&path, folder.path()), Err(OpenError::Locked(_))));
    drop(log);
    assert!(matches!(SledLog::create(&path), Err(OpenError::Exists(at)) if at == path));
    SledLog::open(&path).unwrap();
}

#[test]
fn dropping_it_and_opening_it_again_at_once_always_works() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..100 {
        let log = SledLog::open_or_create(folder.path()).unwrap();
        assert_eq!(log.head().size, round);
        run(log.append_if(log.head(), sample::commit(round, 1, 30))).unwrap();
    }
}

#[test]
fn a_creation_that_was_cut_short_is_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    drop(SledLog::create(folder.path()).unwrap());
    fs::write(folder.path().join("format"), "").unwrap();
    assert!(matches!(SledLog::open(folder.path()), Err(OpenError::Missing(_))));
    drop(SledLog::create(folder.path()).unwrap());
    SledLog::open(folder.path()).unwrap();
}

#[test]
fn events_without_a_format_are_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let log = SledLog::create(folder.path()).unwrap();
    run(log.append_if(Head::EMPTY, sample::commit(0, 1, 30))).unwrap();
    drop(log);
    fs::remove_file(folder.path().join("format")).unwrap();
    assert!(matches!(SledLog::open(folder.path()), Err(OpenError::Missing(_))));
    assert!(matches!(SledLog::open_or_create(folder.path()), Err(OpenError::Unreadable { .. })));
    assert!(!folder.path().join("format").exists(), "a refusal leaves all as it is");
    fs::write(folder.path().join("format"), "").unwrap();
    assert!(matches!(SledLog::open(folder.path()), Err(OpenError::Unreadable { .. })));
    assert!(matches!(SledLog::create(folder.path()), Err(OpenError::Unreadable { .. })));
    fs::write(folder.path().join("format"), "convoke-store 1\n").unwrap();
    assert_eq!(SledLog::open(folder.path()).unwrap().head().size, 1);
}

#[test]
fn a_store_without_its_database_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    drop(SledLog::create(folder.path()).unwrap());
    fs::remove_dir_all(folder.path().join("sled")).unwrap();
    assert!(matches!(SledLog::open(folder.path()), Err(OpenError::Unreadable { .. })));
    assert!(!folder.path().join("sled").exists());
}

#[test]
fn a_log_that_lost_its_recorded_head_is_refused_before_the_engine_touches_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = SledLog::create(&path).unwrap();
    run(log.append_if(Head::EMPTY, sample::commit(0, 3, 30))).unwrap();
    drop(log);
    let (head, data) = (path.join("head"), path.join("sled/db"));
    let kept = fs::read(&head).unwrap();
    let mut spoiled = fs::read(&data).unwrap();
    spoiled[100] ^= 1;
    let good = fs::read(&data).unwrap();
    fs::write(&data, &spoiled).unwrap();
    for lost in [None, Some(vec![]), Some(vec![0; kept.len()]), Some(vec![0xa5; kept.len()])] {
        fs::remove_file(&head).unwrap();
        if let Some(lost) = &lost {
            fs::write(&head, lost).unwrap();
        }
        let error = SledLog::open(&path).unwrap_err();
        assert!(matches!(&error, OpenError::HeadLost(at) if *at == path), "{error}");
        assert!(error.to_string().contains("nobody can tell whether the log was cut"), "{error}");
        let error = SledLog::open_copy(&path, folder.path()).unwrap_err();
        assert!(matches!(&error, OpenError::HeadLost(at) if *at == path), "{error}");
        assert!(matches!(SledLog::open_or_create(&path), Err(OpenError::HeadLost(_))));
        assert_eq!(head.exists(), lost.is_some(), "it is not made anew");
        assert!(fs::read(&data).unwrap() == spoiled, "the engine's file was altered");
        fs::write(&head, "").unwrap();
    }
    fs::write(&head, kept).unwrap();
    fs::write(&data, good).unwrap();
    assert_eq!(SledLog::open(&path).unwrap().head().size, 3);
}

#[test]
fn damage_that_the_engine_reports_names_the_log_and_not_its_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = SledLog::create(&path).unwrap();
    run(log.append_if(Head::EMPTY, sample::commit(0, 3, 30))).unwrap();
    drop(log);
    for bytes in [vec![], vec![0xa5; 5_000]] {
        fs::write(path.join("sled/db"), bytes).unwrap();
        let error = SledLog::open_copy(&path, folder.path()).unwrap_err();
        // Without its files' content sled finds an empty database; that it was not empty, the recorded head says.
        let told = match &error {
            OpenError::Unreadable { folder, .. } => *folder == path,
            OpenError::Truncated { recorded, .. } => recorded.size == 3,
            _ => false,
        };
        assert!(told, "{error:?}");
    }
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(SledLog::create(folder.path()).unwrap());
    fs::write(folder.path().join("format"), "convoke-store 2\n").unwrap();
    let error = SledLog::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("has format 2; this build reads up to 1"), "{error}");
    assert!(matches!(SledLog::open_or_create(folder.path()), Err(OpenError::NewerFormat { .. })));
}

#[test]
fn a_file_where_the_folder_should_be_is_an_error_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "text").unwrap();
    assert!(matches!(SledLog::open(&path), Err(OpenError::Missing(_))));
    let error = SledLog::create(path.join("log")).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
}

#[test]
fn nothing_is_acknowledged_once_the_folder_is_deleted_underneath() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = SledLog::create(&path).unwrap();
    let head = run(log.append_if(Head::EMPTY, sample::commit(0, 2, 30))).unwrap();
    fs::remove_dir_all(&path).unwrap();
    let next = sample::commit(2, 1, 30);
    match run(log.append_if(head, next.clone())) {
        Err(AppendError::OutcomeUnknown(what)) => assert!(what.contains("deleted"), "{what}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(run(log.append_if(head, next)), Err(AppendError::Poisoned)));
    assert_eq!(log.head(), head);
    drop(log);
    assert!(matches!(SledLog::open(&path), Err(OpenError::Missing(_))));
}

#[test]
fn a_folder_that_is_moved_while_it_is_open_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("log"), folder.path().join("moved"));
    let log = SledLog::create(&path).unwrap();
    fs::rename(&path, &moved).unwrap();
    let head = run(log.append_if(Head::EMPTY, sample::commit(0, 2, 30))).unwrap();
    drop(log);
    assert_eq!(SledLog::open(&moved).unwrap().head(), head);
}

#[test]
fn an_append_nobody_waits_for_any_more_is_written_or_not_and_the_log_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(SledLog::create(folder.path()).unwrap());
    run(async {
        let mut heads = log.watch();
        let waiting = tokio::spawn({
            let log = log.clone();
            async move { log.append_if(Head::EMPTY, sample::commit(0, 3, 30)).await }
        });
        tokio::task::yield_now().await;
        waiting.abort();
        // The append was handed over before it was given up.
        heads.changed().await.unwrap();
        let head = log.head();
        assert_eq!(head.size, 3);
        assert!(matches!(
            log.append_if(Head::EMPTY, sample::commit(0, 3, 30)).await,
            Err(AppendError::Conflict { actual }) if actual == head
        ));
        log.append_if(head, sample::commit(3, 1, 30)).await.unwrap();
    });
}

#[test]
fn a_log_works_without_an_async_runtime() {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };
    let folder = tempfile::tempdir().unwrap();
    let log = SledLog::create(folder.path()).unwrap();
    let mut append = pin!(log.append_if(Head::EMPTY, sample::commit(0, 3, 30)));
    let mut context = Context::from_waker(Waker::noop());
    let head = loop {
        if let Poll::Ready(head) = append.as_mut().poll(&mut context) {
            break head.unwrap();
        }
        std::thread::yield_now();
    };
    let mut read = pin!(log.read(0, 1));
    let Poll::Ready(commits) = read.as_mut().poll(&mut context) else { panic!("a read waits for nobody") };
    assert_eq!(commits.unwrap()[0].head(), head);
}

#[test]
fn what_a_killed_process_did_not_sync_is_synced_and_recorded_before_anybody_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let head_file = folder.path().join("head");
    let log = SledLog::create(folder.path()).unwrap();
    run(log.append_if(Head::EMPTY, sample::commit(0, 1, 30))).unwrap();
    let before = fs::read(&head_file).unwrap();
    let head = run(log.append_if(log.head(), sample::commit(1, 2, 30))).unwrap();
    drop(log);
    // As after a kill between the write and its record.
    fs::write(&head_file, &before).unwrap();
    drop(SledLog::open(folder.path()).unwrap());
    let recorded = fs::read(&head_file).unwrap();
    assert_ne!(recorded, before);
    assert!(recorded.windows(32).any(|bytes| *bytes == head.root.0), "from now on a loss of it is found");
}
