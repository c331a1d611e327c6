//! What is printed of a run that is looked at.

use std::time::Duration;

use log::pool::core::{Connected, Input, Output};

/// Prints what happens at a moment.
#[expect(clippy::print_stdout, reason = "whoever replays a seed wants to read what happens")]
pub(crate) fn print(now: Duration, what: &str) {
    println!("{now:>12?} {what}");
}

/// Says what reaches a core, in a few words; nothing of what is always there.
pub(crate) fn input(input: &Input) -> Option<String> {
    Some(match input {
        Input::Tick | Input::Announce(_) | Input::Room(_) => return None,
        Input::Append(append) => format!("append {:?}", append.id),
        Input::Connected(Connected { link, revision, highest, own_version, .. }) => {
            format!("link {link} at {revision}, hubs at {highest}, own version {own_version}")
        }
        Input::Events { link, events, more } => {
            let events = events.iter().map(|event| {
                let key = String::from_utf8_lossy(&event.key).into_owned();
                format!("{} {key} version {}", event.revision, event.version)
            });
            format!("link {link} shows {:?}, more: {more}", events.collect::<Vec<_>>())
        }
        other => format!("{other:?}"),
    })
}

/// Says what a core wants, in a few words; nothing of what is always there.
pub(crate) fn output(output: &Output) -> Option<String> {
    Some(match output {
        Output::Put { attempt, version, value, .. } => {
            format!("put {attempt}: version {version}, {} bytes", value.len())
        }
        Output::Place(placements) => {
            let heads = placements.iter().map(|placement| placement.head.position.number());
            format!("place {:?}", heads.collect::<Vec<_>>())
        }
        Output::Evidence(evidence, _) => format!("evidence {:?}", evidence.kind),
        Output::Resolve { reader, result } => {
            format!("{reader:?} reads at {:?}", result.map(|head| head.position.number()))
        }
        Output::Release { .. } => return None,
        other => format!("{other:?}"),
    })
}
