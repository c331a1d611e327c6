//! Pools of real hubs on a real etcd, all of them processes on loopback, through failures of every
//! kind. The network is proxies that delay, stall and cut each way (`etcd::proxy`). Meanwhile clients
//! contend through all hubs, and afterwards one order explains what they saw, nothing acknowledged is
//! lost, and all hubs have the same log and state.
//!
//! `TANSIQ_FAILURES=all` has all cases run instead of some. They mostly wait, so let more of them do
//! so at the same time than there are cores: `-- --test-threads 5`. `TANSIQ_FAILURES_SEED` sets what
//! happens at random. Skipped, saying so, where there is no etcd and no Go to build one.

#[path = "failures/chaos.rs"]
mod chaos;
#[path = "failures/checks.rs"]
mod checks;
#[path = "failures/delays.rs"]
mod delays;
#[path = "failures/kills.rs"]
mod kills;
#[path = "failures/net.rs"]
mod net;
#[path = "failures/partitions.rs"]
mod partitions;
#[path = "failures/pauses.rs"]
mod pauses;
#[path = "failures/pool.rs"]
mod pool;
#[path = "failures/scope.rs"]
mod scope;
#[path = "executable/support.rs"]
#[expect(dead_code, reason = "the other tests of the executable need more of it")]
mod support;
