//! Each promise of the contract, on each backend.

mod memory {
    convoke_store::conformance_suite!(crate::backends::Memory(convoke_store::MemoryLog::new()));
}

mod sled_log {
    convoke_store::conformance_suite!(crate::backends::Sled::new());
}

mod simulated {
    convoke_store::conformance_suite!(crate::backends::Simulated(convoke_store::simulated::Disk::new()));
}
