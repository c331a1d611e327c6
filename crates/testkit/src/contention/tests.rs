use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;

use super::*;

/// Operational intents and their OVNs, and what they were before.
#[derive(Default)]
struct Hub {
    now: BTreeMap<String, String>,
    before: BTreeMap<String, String>,
    asked: u64,
}

/// What is wrong with a hub, each tenth time.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// It reads what was before.
    OldRead,
    /// It acknowledges what it does not do.
    LostWrite,
    /// It answers 503 to what it has done.
    DoneAnd503,
    /// It hangs up instead of an answer to what it has done.
    HangsUp,
}

impl Hub {
    /// Answers with a status and an OVN; `None` hangs up.
    fn answer(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
        fault: Fault,
    ) -> Option<(u16, String)> {
        self.asked += 1;
        let is_due = self.asked.is_multiple_of(10);
        let path = path.strip_prefix("/dss/v1/operational_intent_references/").expect("one path");
        let (id, ovn) = path.split_once('/').unwrap_or((path, ""));
        let current = self.now.get(id).cloned();
        if method == "GET" {
            let read = if is_due && fault == Fault::OldRead { self.before.get(id) } else { None };
            let read = read.cloned().or(current);
            return Some(read.map_or((404, String::new()), |ovn| (200, ovn)));
        }
        if current.as_deref().unwrap_or_default() != ovn || (method == "DELETE" && ovn.is_empty()) {
            return Some((409, String::new()));
        }
        let body: Option<serde_json::Value> = serde_json::from_str(body).ok();
        let next =
            body.map(|body| body["requested_ovn_suffix"].as_str().expect("a text").to_owned());
        if !(is_due && fault == Fault::LostWrite) {
            self.before.extend(current.map(|current| (id.to_owned(), current)));
            match next {
                Some(suffix) => self.now.insert(id.to_owned(), format!("{id}_{suffix}")),
                None => self.now.remove(id),
            };
        }
        match fault {
            Fault::DoneAnd503 if is_due => Some((503, String::new())),
            Fault::HangsUp if is_due => None,
            _ => Some((200, String::new())),
        }
    }
}

/// Starts a hub that listens until the test ends.
fn start(fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let hub = Arc::new(Mutex::new(Hub::default()));
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let (connection, hub) = (connection.expect("accepted"), Arc::clone(&hub));
            std::thread::spawn(move || serve(&connection, &hub, fault));
        }
    });
    address
}

fn serve(connection: &TcpStream, hub: &Mutex<Hub>, fault: Fault) {
    let mut reader = BufReader::new(connection);
    loop {
        let mut head = Vec::new();
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|count| 2 < count) {
            head.push(std::mem::take(&mut line));
        }
        let Some(first) = head.first() else { return };
        let length = head.iter().find_map(|line| line.strip_prefix("Content-Length: "));
        let mut body = vec![0; length.expect("it is said").trim().parse().expect("a number")];
        reader.read_exact(&mut body).expect("it comes");
        let body = String::from_utf8(body).expect("a text");
        let mut words = first.split(' ');
        let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
        let answer = hub.lock().expect("no panic").answer(method, path, &body, fault);
        let Some((status, ovn)) = answer else { return };
        let body = format!(r#"{{"operational_intent_reference":{{"ovn":"{ovn}"}}}}"#);
        let head = format!("HTTP/1.1 {status} So\r\ncontent-length: {}\r\n\r\n", body.len());
        let mut connection = connection;
        if connection.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn contend(fault: Fault) -> Explained {
    let contention = Contention::new("token".to_owned(), 1);
    let hub = start(fault);
    contention.while_doing(vec![hub], || {
        contention.wait_for_more(150);
        contention.wait_for_more_at(hub, 150);
    });
    assert!(300 <= contention.answered_by(hub));
    contention.check(5)
}

#[test]
fn explains_what_a_good_hub_answers() {
    let explained = contend(Fault::None);

    assert!(300 <= explained.operations && 15 < explained.changes, "{explained:?}");
}

#[test]
fn explains_what_was_done_and_not_answered() {
    contend(Fault::HangsUp);
}

#[test]
#[should_panic(expected = "no order explains the history")]
fn finds_a_hub_that_reads_what_was_before() {
    contend(Fault::OldRead);
}

#[test]
#[should_panic(expected = "no order explains the history")]
fn finds_a_hub_that_loses_what_it_acknowledged() {
    contend(Fault::LostWrite);
}

#[test]
#[should_panic(expected = "no order explains the history")]
fn finds_a_hub_that_did_what_it_promised_not_to() {
    contend(Fault::DoneAnd503);
}
