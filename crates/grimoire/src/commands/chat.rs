//! `grimoire chat MODEL`: a conversation in the terminal, through the model's own template.

use crate::app::answer::{answers, chat_prompt, check_length};
use crate::app::loading::load;
use crate::commands::generate::Options;
use crate::failure::{Failure, Outcome};
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
    let (mut turn, mut lines) = (0, 0);
    loop {
        if asks {
            printer.ask("> ");
        }
        let mut line = Vec::new();
        if std::io::stdin().lock().read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        lines += 1;
        let Ok(line) = String::from_utf8(line) else {
            let message = format!("standard input:{lines}: not UTF-8");
            remark(printer, asks, Failure::work(message))?;
            continue;
        };
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
        if let Err(full) = check_length(&loaded, "the conversation", &ids) {
            messages.pop();
            remark(printer, asks, full.hint("/clear forgets what was said"))?;
            continue;
        }
        let mut options = options.clone();
        options.sampling.seed = options.sampling.seed.wrapping_add(turn);
        turn += 1;
        let mut failure = None;
        let streams = !printer.json();
        let mut listen = |_: usize, text: &str| {
            if streams && let Err(error) = printer.data(text) {
                failure = Some(error);
                return false;
            }
            true
        };
        let answer = answers(&loaded, &[ids], &options, &mut listen, &mut |_| {})?.pop();
        if let Some(failure) = failure {
            return Err(failure);
        }
        let text = answer.map(|answer| answer.text).unwrap_or_default();
        messages.push(Message::new("assistant", &text));
        if streams {
            printer.data("\n")?;
        } else {
            // A turn a line, as the rows of chat data are.
            let turn = serde_json::json!({ "role": "assistant", "content": text });
            printer.data(&format!("{turn}\n"))?;
        }
    }
}

/// Says what was wrong with a turn: a person goes on, a file ends there.
fn remark(printer: &mut Printer, asks: bool, wrong: Failure) -> Outcome {
    if !asks {
        return Err(wrong);
    }
    printer.failure(&wrong);
    Ok(())
}
