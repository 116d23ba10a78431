//! Shows a download on standard error: a bar for each file on a terminal, plain lines elsewhere.

use crate::app::source;
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_hub::Event;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// [`source::locate`] with what happens on the way shown.
pub(crate) fn locate(text: &str, printer: &mut Printer) -> Outcome<PathBuf> {
    let mut bar: Option<ProgressBar> = None;
    let with_bars = printer.progress();
    let outcome = source::locate(text, &mut |event| match event {
        Event::Started { file, size, done } if with_bars => {
            if let Some(old) = bar.take() {
                old.finish_and_clear();
            }
            let new = ProgressBar::new(size).with_message(file.to_owned());
            if let Ok(style) = ProgressStyle::with_template(
                "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
            ) {
                new.set_style(style);
            }
            new.set_position(done);
            bar = Some(new);
        }
        Event::Started { file, size, done: 0 } => {
            printer.talk(&format!("fetching {file} ({})", super::bytes(size)));
        }
        Event::Started { file, size, done } => {
            let (size, done) = (super::bytes(size), super::bytes(done));
            printer.talk(&format!("fetching {file} ({size}, {done} of it are here)"));
        }
        Event::Received { done, .. } => {
            if let Some(bar) = &bar {
                bar.set_position(done);
            }
        }
        Event::Finished { .. } => {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
        }
        Event::Retrying { file, reason } => {
            printer.talk(&format!("warning: {file}: {reason}; trying again"));
        }
        Event::Waiting { file } => {
            printer.talk(&format!("waiting for another process that fetches {file}"));
        }
        Event::Unreachable { reason } => {
            printer.talk(&format!("warning: {reason}; using what the cache has"));
        }
        _ => {}
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    outcome
}
