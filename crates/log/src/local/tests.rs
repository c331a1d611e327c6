//! What only the engine on one machine has.

use tempfile::TempDir;

use super::*;
use crate::suite::{Engine, tests_of_every_engine};

struct LocalEngine {
    dir: TempDir,
}

impl Engine for LocalEngine {
    type Log = LocalLog;

    fn open(&self) -> LocalLog {
        LocalLog::open(self.dir.path(), Options::default()).expect("opened")
    }

    fn close(&self, log: &LocalLog) {
        log.close();
    }
}

fn engine() -> LocalEngine {
    LocalEngine { dir: tempfile::tempdir().expect("a directory") }
}

mod every_engine {
    use super::{engine, tests_of_every_engine};

    tests_of_every_engine!(engine());
}

#[test]
fn refuses_a_directory_that_is_in_use() {
    let engine = engine();
    let log = engine.open();

    let second = LocalLog::open(engine.dir.path(), Options::default());

    let message = second.expect_err("in use").to_string();
    assert!(message.contains(&engine.dir.path().display().to_string()), "{message}");
    assert!(message.contains("stop that one first"), "{message}");
    drop(log);
    engine.open();
}
