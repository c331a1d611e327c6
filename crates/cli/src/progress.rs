//! Progress bars on standard error; nothing is drawn when it is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often a bar is drawn at least, so that it is seen to live.
const TICK_MS: u64 = 250;

/// Returns a bar of `length` steps of what `unit` names.
pub(crate) fn bar(length: u64, unit: &'static str) -> ProgressBar {
    let template =
        format!("{{msg}} [{{bar:40}}] {{pos}}/{{len}} {unit}, {{per_sec}}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).expect("the template is good");
    let bar = ProgressBar::new(length).with_style(style.progress_chars("=> "));
    bar.enable_steady_tick(Duration::from_millis(TICK_MS));
    bar
}
