//! `grimoire chat MODEL`: a conversation in the terminal, through the model's own template.

use crate::app::answer::{answers, chat_prompt};
use crate::app::loading::load;
use crate::commands::generate::Options;
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_text::Message;
use std::io::{BufRead, IsTerminal};

/// Talk with a model.
#[derive(clap::Args)]
pub(crate) struct Chat {
    /// A .gguf file, a Hugging Face folder, org/name on the hub, or `builtin`.
    model: String,
    /// Begin with a system message.
    #[arg(long)]
    system: Option<String>,
    #[command(flatten)]
    options: Options,
}

/// Runs the command: reads turns from standard input until it ends.
pub(crate) fn run(args: Chat, printer: &mut Printer) -> Outcome {
    let options = args.options.generation()?;
    let loaded = load(&args.model, args.options.adapter.as_deref(), printer)?;
    let start: Vec<Message> =
        args.system.iter().map(|system| Message::new("system", system)).collect();
    // A model without a template is told of before the first turn is typed.
    chat_prompt(&loaded, &[Message::new("user", "?")])?;
    let mut messages = start.clone();
    let asks = std::io::stdin().is_terminal();
    if asks {
        printer.talk("type a message; /clear forgets, /quit or Ctrl-D leaves");
    }
    let mut turn = 0;
    loop {
        if asks {
            printer.ask("> ");
        }
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(());
        }
        match line.trim() {
            "" => continue,
            "/quit" => return Ok(()),
            "/clear" => {
                messages = start.clone();
                continue;
            }
            text => messages.push(Message::new("user", text)),
        }
        let ids = chat_prompt(&loaded, &messages)?;
        let mut options = options.clone();
        options.sampling.seed = options.sampling.seed.wrapping_add(turn);
        turn += 1;
        let mut failure = None;
        let mut listen = |_: usize, text: &str| match printer.data(text) {
            Ok(()) => true,
            Err(error) => {
                failure = Some(error);
                false
            }
        };
        let answer = answers(&loaded, &[ids], &options, &mut listen, &mut |_| {})?.pop();
        if let Some(failure) = failure {
            return Err(failure);
        }
        printer.data("\n")?;
        let text = answer.map(|answer| answer.text).unwrap_or_default();
        messages.push(Message::new("assistant", &text));
    }
}
