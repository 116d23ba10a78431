//! Who hears what a longer piece of work has to say on its way: the terminal of a command, or nobody.

use grimoire_hub::Event;

/// Hears of warnings and of progress.
pub(crate) trait Listener {
    /// A line for the person: a warning, or what is used in place of what was named.
    fn tell(&mut self, line: &str);
    /// So much of `what` is done.
    fn progress(&mut self, what: &str, done: u64, total: u64);
    /// A model is being fetched.
    fn fetching(&mut self, event: Event<'_>);
}
