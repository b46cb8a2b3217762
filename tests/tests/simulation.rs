//! A short run of the simulation; `simulate` is the long one.

use convoke_tests::simulation::simulate;

#[test]
fn everything_holds_in_the_first_hundred_worlds() {
    let mut crashes = 0;
    for seed in 0..100 {
        crashes += simulate(seed).crashes;
    }
    assert!(crashes > 50, "a run without crashes proves little: {crashes}");
}

#[test]
fn a_seed_is_a_run() {
    for seed in 1_000..1_020 {
        assert_eq!(simulate(seed), simulate(seed), "seed {seed}");
    }
}
