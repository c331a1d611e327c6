//! tansiq.
fn main() {}
