//! Panics of the storage engine, turned into errors.
//!
//! sled panics on some damaged files and in its destructor after an I/O error. Every call into it goes through [`catch`];
//! the message that Rust would print beside it is withheld if the program installed [`quiet_engine_panics`].

use std::{
    any::Any,
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

thread_local! {
    static IN_ENGINE: Cell<bool> = const { Cell::new(false) };
}

/// The engine's own threads bear this prefix.
const ENGINE_THREAD: &str = "sled-io-";

/// Withholds the message and backtrace of panics inside the storage engine, which are caught and become errors of the log.
/// Other panics go to the hook that was installed before. Call it once, early in `main`; a second call does nothing.
pub fn quiet_engine_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let engine_thread = std::thread::current().name().is_some_and(|name| name.starts_with(ENGINE_THREAD));
            if !engine_thread && !IN_ENGINE.get() {
                others(panic);
            }
        }));
    });
}

/// Runs a call into the engine; a panic becomes its message.
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    let before = IN_ENGINE.replace(true);
    // The engine's state after a panic is never used again: the callers give up the whole database.
    let outcome = panic::catch_unwind(AssertUnwindSafe(call));
    IN_ENGINE.set(before);
    outcome.map_err(|payload| message(payload.as_ref()))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("it gave no reason");
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message_and_others_pass() {
        assert_eq!(catch(|| 3), Ok(3));
        assert_eq!(catch(|| -> u8 { panic!("page {} is gone", 7) }), Err("page 7 is gone".to_owned()));
        assert!(!IN_ENGINE.get());
    }
}
