//! Takes what etcd no longer holds from the copies of other hubs.
//!
//! Nobody has to believe the hub whose copy it is. Each batch is rebuilt, byte for byte, and judged
//! as if etcd had shown it; that none is left out, and that the order is the pool's, is only taken
//! up to where a majority of the admitted hubs has signed the same log. The rest is left to etcd.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ::pool::{
    AppliedHead, Batch, Command, Found, Hash, HubId, PROPOSER, Placed, Pool, SignedHeader, State,
    Verdict, confirmed,
};
use sha2::{Digest, Sha256};

use super::intake::{key_of, own_entry, read_entry};
use super::{Core, End, Event, Now, Output, Stop};
use crate::entry::EntryRef;
use crate::local::Placement;
use crate::{Entry, Family, Head, Position, leaf_hash};

/// After what time another hub is asked when one had nothing that helps.
pub const FETCH_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How many bytes of entries wait for a majority's word; a copy that needs more is not gone on with.
pub const UNCONFIRMED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What is missing, and what others have of it.
#[derive(Debug)]
pub(super) struct CatchUp {
    /// Which of the other hubs is asked.
    turn: u64,
    /// The number of the last question, and whether it is open.
    fetch: u64,
    is_open: bool,
    /// When the next may be asked.
    again: Duration,
    tried: Option<Tried>,
    has_helped: bool,
}

/// Another hub's copy, as far as it was looked at.
#[derive(Debug)]
struct Tried {
    state: State,
    /// From where it was looked at.
    base: Head,
    head: Head,
    /// The chain at each position after `base`.
    chains: Vec<Hash>,
    /// What no majority has confirmed yet.
    groups: VecDeque<Group>,
    bytes: usize,
    /// A batch whose entries are not all there yet.
    partial: Option<(Placed, Vec<Vec<u8>>)>,
    /// Of each hub, the batch that vouches for most of the copy.
    vouched: BTreeMap<HubId, SignedHeader>,
}

/// Entries that come into the log together.
#[derive(Debug)]
struct Group {
    /// What was found in etcd; none where an epoch is opened.
    event: Option<(Event, Hash)>,
    is_batch: bool,
    entries: Vec<(Placement, Option<Command>)>,
    bytes: usize,
}

/// A copy is not one to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unfit;

impl CatchUp {
    fn new() -> Self {
        CatchUp {
            turn: 0,
            fetch: 0,
            is_open: false,
            again: Duration::ZERO,
            tried: None,
            has_helped: false,
        }
    }

    pub(super) fn due(&self) -> Option<Duration> {
        (!self.is_open).then_some(self.again)
    }

    /// Asks another hub the next time, after a while.
    fn turn(&mut self, now: Now) {
        self.turn += 1;
        self.tried = None;
        self.again = now.elapsed + FETCH_AGAIN_AFTER;
    }
}

impl Core {
    /// Says how many other hubs' copies can be asked for what etcd no longer holds; none before.
    #[must_use]
    pub fn with_copies(mut self, copies: u64) -> Self {
        self.copies = copies;
        self
    }

    pub(super) fn take_compacted(&mut self, now: Now, link: u64, revision: u64) {
        if !self.link.is_asked(link) {
            return;
        }
        if self.copies == 0 {
            return self.stop(Stop::Compacted { revision });
        }
        self.link.hold();
        let turn = self.catch_up.take().map_or(0, |former| former.turn + 1);
        self.catch_up = Some(CatchUp { turn, again: now.elapsed, ..CatchUp::new() });
    }

    /// Asks for entries, where some are missing.
    pub(super) fn advance_catch_up(&mut self, now: Now) {
        let Some(catch_up) = &mut self.catch_up else { return };
        if !self.link.is_held() || catch_up.is_open || now.elapsed < catch_up.again {
            return;
        }
        let (state, head) = (self.intake.state(), self.intake.head());
        let tried = catch_up.tried.get_or_insert_with(|| Tried::new(state.clone(), head));
        catch_up.fetch += 1;
        catch_up.is_open = true;
        self.outputs.push(Output::Fetch {
            fetch: catch_up.fetch,
            after: tried.next(),
            turn: catch_up.turn % self.copies,
        });
    }

    pub(super) fn take_fetched(&mut self, now: Now, fetch: u64, entries: Option<Vec<Vec<u8>>>) {
        let Some(catch_up) = &mut self.catch_up else { return };
        if catch_up.fetch != fetch || !catch_up.is_open {
            return;
        }
        catch_up.is_open = false;
        let Some(mut tried) = catch_up.tried.take() else { return };
        let entries = entries.unwrap_or_default();
        let is_end = entries.is_empty();
        let taken = tried.take_all(entries);
        let groups = tried.take_confirmed();
        let has_more = taken.is_ok() && !is_end && tried.bytes <= UNCONFIRMED_BYTES_MAX;
        catch_up.has_helped |= !groups.is_empty();
        if has_more {
            catch_up.tried = Some(tried);
        } else if catch_up.has_helped || !groups.is_empty() {
            self.link.drop_now(now);
        } else {
            catch_up.turn(now);
        }
        for group in groups {
            if self.end == End::Ended {
                return;
            }
            self.take_group(group);
        }
        self.resolve_readers();
    }

    /// Takes in what a majority has confirmed.
    fn take_group(&mut self, group: Group) {
        let had_its_key = self.has_its_key();
        let Group { event, is_batch, entries, .. } = group;
        let own = event.as_ref().filter(|(event, _)| event.key == self.own_key());
        let landed = own.and_then(|(_, hash)| self.land(hash));
        let is_strange = is_batch && own.is_some() && landed.is_none();
        let mut placements = Vec::with_capacity(entries.len());
        for (index, (mut placement, command)) in entries.into_iter().enumerate() {
            self.intake.take_again(&placement, command.as_ref());
            let queued = index.checked_sub(1).zip(landed.as_ref());
            placement.ticket = queued.map(|(index, landed)| landed.entries[index].ticket);
            placements.push(placement);
        }
        let positions: Vec<_> = placements.iter().skip(1).map(|it| it.head.position).collect();
        self.outputs.push(Output::Place(placements));
        if let Some(landed) = &landed {
            for (index, position) in positions.into_iter().enumerate() {
                self.answer(landed, index, position);
            }
        }
        match &event {
            Some((event, hash)) => {
                self.intake.hold(event, *hash);
                if is_strange {
                    self.meet_own(event, hash);
                }
            }
            None => self.intake.begin_epoch(),
        }
        self.check_changes(had_its_key);
    }
}

impl Tried {
    fn new(state: State, head: Head) -> Self {
        Tried {
            state,
            base: head,
            head,
            chains: Vec::new(),
            groups: VecDeque::new(),
            bytes: 0,
            partial: None,
            vouched: BTreeMap::new(),
        }
    }

    /// Returns after which position the next entries are wanted.
    fn next(&self) -> Position {
        let partial = self.partial.as_ref().map_or(0, |(_, entries)| entries.len() + 1);
        let number = self.head.position.number() + partial as u64;
        Position::new(number).expect("the log is not as long")
    }

    fn take_all(&mut self, entries: Vec<Vec<u8>>) -> Result<(), Unfit> {
        for bytes in entries {
            self.take(bytes)?;
        }
        Ok(())
    }

    fn take(&mut self, bytes: Vec<u8>) -> Result<(), Unfit> {
        if let Some((placed, mut entries)) = self.partial.take() {
            entries.push(bytes);
            return self.take_batch(placed, entries);
        }
        let entry = EntryRef::from_bytes(&bytes).map_err(|_| Unfit)?;
        if entry.family != Family::POOL || entry.proposer != PROPOSER {
            return Err(Unfit);
        }
        let command = Command::from_bytes(entry.command).map_err(|_| Unfit)?;
        // Every hub makes the same bytes of the same command.
        if own_entry(&command, self.state.stamp_of(&command)).1 != bytes {
            return Err(Unfit);
        }
        match command {
            Command::Placed(placed) => self.take_batch(*placed, Vec::new()),
            Command::Bad(bad) => {
                let event = Event {
                    revision: bad.revision,
                    key: key_of(&bad.hub),
                    version: bad.version,
                    value: None,
                };
                self.add(Some((event, bad.hash)), vec![(Command::Bad(bad), bytes)], Vec::new())
            }
            opening @ Command::OpenEpoch(_) => self.add(None, vec![(opening, bytes)], Vec::new()),
            Command::Genesis(_) | Command::Change(_) => Err(Unfit),
        }
    }

    /// Takes a batch, once all its entries are there.
    fn take_batch(&mut self, placed: Placed, entries: Vec<Vec<u8>>) -> Result<(), Unfit> {
        if (entries.len() as u64) < u64::from(placed.header.contents.entries) {
            self.partial = Some((placed, entries));
            return Ok(());
        }
        let Placed { revision, header, signature } = placed.clone();
        let batch = Batch::rebuild(header, entries.clone(), signature).map_err(|_| Unfit)?;
        let slot = &placed.header.slot;
        let value = batch.to_bytes();
        let (key, version) = (key_of(&slot.hub), slot.sequence);
        let found = Found { revision, key: &key, version, value: Some(&value) };
        let pool = self.state.pool().ok_or(Unfit)?;
        let Verdict::Accepted(_) = pool.judge(&found, read_entry) else { return Err(Unfit) };
        let hash: Hash = Sha256::digest(&value).into();
        self.vouch(&placed);
        let event = Event { revision, key, version, value: None };
        let command = Command::Placed(Box::new(placed));
        let bytes = own_entry(&command, self.state.stamp_of(&command)).1;
        self.add(Some((event, hash)), vec![(command, bytes)], entries)
    }

    /// Adds entries that every hub makes for itself, and those of a batch after them.
    fn add(
        &mut self,
        event: Option<(Event, Hash)>,
        own: Vec<(Command, Vec<u8>)>,
        entries: Vec<Vec<u8>>,
    ) -> Result<(), Unfit> {
        let is_batch = matches!(own.first(), Some((Command::Placed(_), _)));
        let mut group = Group { event, is_batch, entries: Vec::new(), bytes: 0 };
        for (command, bytes) in own {
            self.follow(&mut group, bytes, Some(command))?;
        }
        for bytes in entries {
            let entry = EntryRef::from_bytes(&bytes).map_err(|_| Unfit)?;
            let is_change = entry.family == Family::POOL;
            let command = is_change.then(|| Command::from_bytes(entry.command));
            let command = command.transpose().map_err(|_| Unfit)?;
            self.follow(&mut group, bytes, command)?;
        }
        self.bytes += group.bytes;
        self.groups.push_back(group);
        Ok(())
    }

    /// Numbers an entry and applies it.
    fn follow(
        &mut self,
        group: &mut Group,
        bytes: Vec<u8>,
        command: Option<Command>,
    ) -> Result<(), Unfit> {
        let entry = Entry::from_bytes(&bytes).map_err(|_| Unfit)?;
        if let Some(command) = &command {
            let before =
                AppliedHead { position: self.head.position.number(), chain: self.head.chain };
            self.state.apply(&before, entry.proposer.as_str(), command).map_err(|_| Unfit)?;
        }
        let leaf = leaf_hash(&bytes);
        self.head = self.head.followed_by(&leaf);
        self.chains.push(self.head.chain);
        group.bytes += bytes.len();
        let (head, entry) = (self.head, std::sync::Arc::new(entry));
        group.entries.push((Placement { head, leaf, entry, bytes, ticket: None }, command));
        Ok(())
    }

    /// Keeps what a hub has signed if it vouches for more of this copy than before.
    fn vouch(&mut self, placed: &Placed) {
        let applied = placed.header.report.applied;
        if self.chain_at(applied.position) != Some(applied.chain) {
            return;
        }
        let hub = &placed.header.slot.hub;
        let known = self.vouched.get(hub).map(|signed| signed.header.report.applied.position);
        if known.is_none_or(|known| known < applied.position) {
            let (header, signature) = (placed.header.clone(), placed.signature);
            self.vouched.insert(hub.clone(), SignedHeader { header, signature });
        }
    }

    fn chain_at(&self, position: u64) -> Option<Hash> {
        if position == self.base.position.number() {
            return Some(self.base.chain);
        }
        let index = position.checked_sub(self.base.position.number() + 1)?;
        self.chains.get(usize::try_from(index).ok()?).copied()
    }

    /// Takes out what a majority has signed.
    fn take_confirmed(&mut self) -> Vec<Group> {
        let Some(membership) = self.state.pool().map(Pool::membership) else { return Vec::new() };
        let headers: Vec<_> = self.vouched.values().cloned().collect();
        let until = confirmed(membership, &headers, |position| self.chain_at(position));
        let is_in = |group: &mut Group| {
            let last = group.entries.last().expect("a group has an entry");
            last.0.head.position.number() <= until
        };
        let mut groups = Vec::new();
        while let Some(group) = self.groups.pop_front_if(is_in) {
            self.bytes -= group.bytes;
            groups.push(group);
        }
        groups
    }
}
