//! The terminal as a listener: one progress bar that changes its words, and lines of talk.

use crate::app::listener::Listener;
use crate::printer::Printer;
use grimoire_hub::Event;
use indicatif::{ProgressBar, ProgressStyle};

/// How a bar looks that counts things, and one that counts bytes.
const COUNT: &str = "{msg} {bar:32} {pos}/{len} {eta}";
const BYTES: &str = "{msg} {bar:32} {bytes}/{total_bytes} {bytes_per_sec} {eta}";

/// The bar that is drawn now, and what it is about.
#[derive(Default)]
pub(crate) struct Drawn {
    bar: Option<(String, ProgressBar)>,
}

impl Drawn {
    fn begin(&mut self, what: &str, length: u64, template: &str) -> &ProgressBar {
        self.clear();
        let bar = ProgressBar::new(length).with_message(what.to_owned());
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        &self.bar.insert((what.to_owned(), bar)).1
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Listener for Printer {
    fn tell(&mut self, line: &str) {
        self.drawn.clear();
        self.talk(line);
    }

    fn progress(&mut self, what: &str, done: u64, total: u64) {
        if !Printer::progress(self) {
            return;
        }
        let bar = match &self.drawn.bar {
            Some((shown, bar)) if shown == what => bar,
            _ => self.drawn.begin(what, total, COUNT),
        };
        bar.set_position(done);
        if done >= total {
            self.drawn.clear();
        }
    }

    fn fetching(&mut self, event: Event<'_>) {
        match event {
            Event::Started { file, size, done } if Printer::progress(self) => {
                self.drawn.begin(file, size, BYTES).set_position(done);
            }
            Event::Received { done, .. } => {
                if let Some((_, bar)) = &self.drawn.bar {
                    bar.set_position(done);
                }
            }
            Event::Finished { .. } => self.drawn.clear(),
            Event::Retrying { file, reason } => {
                self.tell(&format!("{file}: trying again: {reason}"));
            }
            Event::Waiting { file } => {
                self.tell(&format!("{file}: another process is fetching it"));
            }
            Event::Unreachable { reason } => {
                self.tell(&format!(
                    "the hub cannot be reached ({reason}): using what is in the cache"
                ));
            }
            _ => {}
        }
    }
}
