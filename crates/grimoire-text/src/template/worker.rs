//! A thread that renders: the engine recurses, so it needs a stack of known size, and what overstays its time is left
//! to itself. A thread serves one request after the other, for starting one costs as much as a short conversation.
//! Knows nothing of conversations.

use super::moment::Moment;
use super::{FUEL, LONGEST_TEXT, STACK, STORED, python, rewrite, run_here};
use crate::error::TextError;
use minijinja::{Environment, Error, ErrorKind, Value};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// One text to render.
pub(super) struct Job {
    pub(super) context: Value,
    /// Bytes of the input, which pay for steps and text.
    pub(super) size: usize,
    pub(super) now: Option<Moment>,
}

/// Why there is no text.
pub(super) enum Failed {
    /// The thread could not be started, or ended.
    Thread(String),
    /// It is still at work after its time.
    Overstayed,
    /// What the template says.
    Template(TextError),
}

/// A thread with an engine of its own.
#[derive(Debug)]
pub(super) struct Worker {
    jobs: mpsc::Sender<(Job, mpsc::Sender<Result<String, TextError>>)>,
}

impl Worker {
    /// Starts a thread on a copy of the compiled template.
    pub(super) fn start(environment: &Environment<'static>) -> Result<Self, Failed> {
        let (jobs, waiting) = mpsc::channel::<(Job, mpsc::Sender<_>)>();
        let mut engine = Engine::new(environment.clone());
        std::thread::Builder::new()
            .name("chat template".into())
            .stack_size(STACK)
            .spawn(move || {
                for (job, answer) in waiting {
                    // Who asked may have given up by now.
                    let _ = answer.send(engine.render(job));
                }
            })
            .map_err(|error| {
                Failed::Thread(format!("cannot start a thread to render on: {error}"))
            })?;
        Ok(Self { jobs })
    }

    /// The text, within `time`; gives itself back for the next one where it is free for that.
    pub(super) fn render(self, job: Job, time: Duration) -> (Result<String, Failed>, Option<Self>) {
        let ended = || Failed::Thread("the engine failed".into());
        let (sender, receiver) = mpsc::channel();
        if self.jobs.send((job, sender)).is_err() {
            return (Err(ended()), None);
        }
        match receiver.recv_timeout(time) {
            Ok(result) => (result.map_err(Failed::Template), Some(self)),
            Err(mpsc::RecvTimeoutError::Timeout) => (Err(Failed::Overstayed), None),
            Err(mpsc::RecvTimeoutError::Disconnected) => (Err(ended()), None),
        }
    }
}

/// The compiled template with budget, clock and checks of the request at hand.
struct Engine {
    environment: Environment<'static>,
    /// Items that may still be looked at while checking what the template stores.
    budget: Arc<AtomicUsize>,
}

impl Engine {
    fn new(mut environment: Environment<'static>) -> Self {
        let budget = Arc::new(AtomicUsize::new(0));
        let shared = Arc::clone(&budget);
        environment.add_filter(rewrite::BOUNDED, move |value: Value| {
            // One thread renders with this engine, so nobody writes between these two.
            let mut left = shared.load(Ordering::Relaxed);
            let charged = python::charge(&value, &mut left);
            shared.store(left, Ordering::Relaxed);
            charged.map(|()| value)
        });
        Self { environment, budget }
    }

    fn render(&mut self, job: Job) -> Result<String, TextError> {
        self.environment.set_fuel(Some(FUEL + job.size as u64 / 4));
        self.budget.store(STORED + 8 * job.size, Ordering::Relaxed);
        match job.now {
            None => self.environment.remove_global(CLOCK),
            Some(now) => self.environment.add_function(CLOCK, move |pattern: &str| {
                now.format(pattern).ok_or_else(|| {
                    let reason = format!("strftime_now: pattern `{pattern}` is not understood");
                    Error::new(ErrorKind::InvalidOperation, reason)
                })
            }),
        }
        run_here(&self.environment, job.context, LONGEST_TEXT + 4 * job.size)
    }
}

/// What templates call the clock.
const CLOCK: &str = "strftime_now";
