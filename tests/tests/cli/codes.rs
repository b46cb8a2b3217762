//! Every code that a fault is made with is one that `convoke explain` knows.

use std::{fs, path::Path};

use convoke_core::codes;
use regex_lite::Regex;

#[test]
fn every_code_in_the_source_can_be_explained() {
    let made = Regex::new(r#"Fault::new\(\s*"([^"]*)""#).unwrap();
    let mut found = 0;
    visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates"), &mut |file, text| {
        for code in made.captures_iter(text).map(|captures| captures[1].to_owned()) {
            found += 1;
            assert!(codes::find(&code).is_some(), "{}: {code}", file.display());
        }
    });
    assert!(found > 50, "only {found} were found: the source is read wrongly");
}

#[test]
fn a_code_is_there_once_and_explained_in_sentences() {
    for row in codes::ROWS {
        assert_eq!(codes::ROWS.iter().filter(|other| other.code == row.code).count(), 1, "{}", row.code);
        assert!(row.what.ends_with('.') && row.remedy.ends_with('.'), "{}", row.code);
    }
}

fn visit(folder: &Path, with: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, with);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            with(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}
