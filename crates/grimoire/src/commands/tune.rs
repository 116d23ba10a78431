//! `grimoire tune MODEL DATA`: the main job. Without arguments it tunes the built-in model on the built-in data.

use crate::app::tune::{Inputs, Method, Places, TuneRequest, Watch, prepare, resume, train};
use crate::app::tune_report::{Estimate, TuneReport, number, p_value};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_tune::adapter::LoraSettings;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// Adapt a model to data, and say honestly whether it got better.
#[derive(clap::Args)]
pub(crate) struct Tune {
    #[command(flatten)]
    asked: Asked,
    /// Go on with the run in this folder, as it was asked for.
    #[arg(long, value_name = "RUN")]
    resume: Option<PathBuf>,
    /// Say what was understood and what it would take, and stop.
    #[arg(long)]
    dry_run: bool,
}

/// What a run is asked for once: a resumed one goes on as it was begun.
#[derive(clap::Args)]
#[command(mut_args(|arg| arg.conflicts_with("resume")))]
struct Asked {
    /// A .gguf file, a Hugging Face folder, org/name on the hub; `builtin` when left out.
    model: Option<String>,
    /// JSON Lines, JSON, CSV, TSV, Parquet or text: messages; prompt and completion; or text.
    data: Option<String>,
    /// Data to measure on, and to choose the step by whose weights are kept; a part of DATA is held out otherwise,
    /// prompts or texts drawn by the seed, and of a text file (.txt, .md) its last paragraphs.
    #[arg(long)]
    eval: Option<String>,
    /// The folder of the run; a new one under grimoire-runs/ otherwise.
    #[arg(long, short)]
    out: Option<PathBuf>,
    /// What becomes trainable.
    #[arg(long, value_enum, default_value_t = Method::Lora)]
    method: Method,
    /// Rank of the adapters; 16 otherwise.
    #[arg(long)]
    rank: Option<usize>,
    /// The adapters count alpha/rank times; 32 otherwise.
    #[arg(long)]
    alpha: Option<f64>,
    /// Scale by alpha/√rank instead.
    #[arg(long)]
    rslora: bool,
    /// Layers to adapt, by parts of their names (q_proj, mlp, blocks.3); all linear layers otherwise.
    #[arg(long, value_delimiter = ',')]
    targets: Vec<String>,
    /// Steps; otherwise as many as the epochs take, at most 300.
    #[arg(long)]
    steps: Option<u64>,
    /// Passes over the data; 3 otherwise (432 steps for the built-in model over the built-in data).
    #[arg(long)]
    epochs: Option<f64>,
    /// Documents a step.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Most tokens computed at once: bounds memory.
    #[arg(long, default_value_t = 512)]
    micro_tokens: usize,
    /// Peak learning rate; otherwise 5e-4 for LoRA (4e-3 on the built-in model) and 2e-5 for full fine-tuning.
    #[arg(long, alias = "lr")]
    rate: Option<f64>,
    /// Course of the learning rate.
    #[arg(long, value_parser = ["cosine", "linear", "constant"], default_value = "cosine")]
    schedule: String,
    /// Share of the steps over which the learning rate rises.
    #[arg(long, default_value_t = 0.05)]
    warmup: f64,
    /// Decoupled weight decay.
    #[arg(long, default_value_t = 0.0)]
    weight_decay: f64,
    /// Largest norm of the gradient; 0 does not clip.
    #[arg(long, default_value_t = 1.0)]
    clip: f64,
    /// Keep an exponential moving average of the trained weights, with this decay, and use it.
    #[arg(long)]
    ema: Option<f64>,
    /// Longest row in tokens; what is over is cut off.
    #[arg(long, default_value_t = 1024)]
    max_length: usize,
    /// Train on prompts too.
    #[arg(long)]
    train_on_prompt: bool,
    /// Do not use the model's chat template.
    #[arg(long)]
    no_template: bool,
    /// The column that holds the prompt.
    #[arg(long)]
    prompt_field: Option<String>,
    /// The column that holds the completion.
    #[arg(long)]
    completion_field: Option<String>,
    /// The column that holds the text.
    #[arg(long)]
    text_field: Option<String>,
    /// Steps between evaluations; a fifth of the run otherwise.
    #[arg(long)]
    eval_every: Option<u64>,
    /// Steps between snapshots.
    #[arg(long, default_value_t = 20)]
    save_every: u64,
    /// Stop after so many evaluations without a new best.
    #[arg(long)]
    patience: Option<u64>,
    /// Held-out prompts to answer before and after.
    #[arg(long, default_value_t = 32)]
    answers: usize,
    /// Most tokens of such an answer.
    #[arg(long, default_value_t = 80)]
    answer_tokens: usize,
    /// Seed of all randomness: the same seed, the same bytes.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// `f32` computes everything in f32; else factors of products are rounded: to eight bits where a frozen quantised
    /// weight is multiplied, and to bf16 on the way back and where weights are trained, if the processor has that.
    #[arg(long, value_parser = ["auto", "f32"], default_value = "auto")]
    precision: String,
}

/// Runs the command.
pub(crate) fn run(args: Tune, printer: &mut Printer) -> Outcome {
    let dry = args.dry_run;
    let prepared = match &args.resume {
        Some(folder) => resume(folder, printer)?,
        None => prepare(request(args.asked)?, dry, printer)?,
    };
    if dry {
        return printer.report(&prepared.preflight, |preflight| preflight.text());
    }
    for line in prepared.preflight.text().lines() {
        printer.talk(line);
    }
    let mut shown = Shown { bar: None, quiet: !printer.progress(), printer };
    let report = train(prepared, &mut shown)?;
    shown.clear();
    printer.report(&report, text)
}

/// Options of adapters, and full fine-tuning, which has none.
fn refuse_idle(args: &Asked) -> Outcome {
    let given = [
        ("--rank", args.rank.is_some()),
        ("--alpha", args.alpha.is_some()),
        ("--rslora", args.rslora),
        ("--targets", !args.targets.is_empty()),
    ];
    match given.iter().find(|(_, given)| *given && args.method == Method::Full) {
        Some((option, _)) => Err(Failure::usage(format!(
            "{option}: it is for adapters, and --method full trains every weight"
        ))
        .hint("leave out one of the two")),
        None => Ok(()),
    }
}

fn request(args: Asked) -> Outcome<TuneRequest> {
    refuse_idle(&args)?;
    let (model, data) = match (args.model, args.data) {
        (None, _) => ("builtin".to_owned(), "builtin".to_owned()),
        (Some(model), Some(data)) => (model, data),
        (Some(model), None) if model == "builtin" => (model, "builtin".to_owned()),
        (Some(model), None) => {
            return Err(Failure::usage(format!("{model}: no data to tune on")).hint(
                "grimoire tune MODEL DATA.jsonl; without arguments, a built-in example runs",
            ));
        }
    };
    let out = args.out.unwrap_or_else(|| crate::app::tune::fresh_folder(&data));
    let rate = args.rate.unwrap_or(match args.method {
        Method::Full => 2e-5,
        Method::Lora if model == "builtin" => crate::app::builtin::RATE,
        Method::Lora => 5e-4,
    });
    let built_in = model == "builtin" && data == "builtin";
    let usual_steps = (built_in && args.epochs.is_none()).then_some(crate::app::builtin::STEPS);
    let epochs = args.epochs.unwrap_or(3.0);
    let usual = LoraSettings::default();
    Ok(TuneRequest {
        out,
        model,
        data,
        eval: args.eval,
        method: args.method,
        rank: args.rank.unwrap_or(usual.rank),
        alpha: args.alpha.unwrap_or(usual.alpha),
        rslora: args.rslora,
        targets: args.targets,
        steps: args.steps.or(usual_steps),
        epochs,
        batch: args.batch,
        micro_tokens: args.micro_tokens,
        rate,
        schedule: args.schedule,
        warmup: args.warmup,
        decay: args.weight_decay,
        clip: args.clip,
        ema: args.ema,
        max_tokens: args.max_length,
        train_on_prompt: args.train_on_prompt,
        no_template: args.no_template,
        prompt_field: args.prompt_field,
        completion_field: args.completion_field,
        text_field: args.text_field,
        eval_every: args.eval_every,
        save_every: args.save_every,
        patience: args.patience,
        answers: args.answers,
        answer_tokens: args.answer_tokens,
        seed: args.seed,
        precision: args.precision,
        places: Places::default(),
        inputs: Inputs::default(),
    })
}

/// Progress on a terminal: one bar that changes its words; without a terminal, a line now and then.
struct Shown<'p> {
    bar: Option<(String, ProgressBar)>,
    quiet: bool,
    printer: &'p mut Printer,
}

impl Shown<'_> {
    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn bar(&mut self, name: &str, length: u64, template: &str) -> &ProgressBar {
        if self.bar.as_ref().is_none_or(|(shown, _)| shown != name) {
            self.clear();
            let bar = if self.quiet { ProgressBar::hidden() } else { ProgressBar::new(length) };
            let style = ProgressStyle::with_template(template);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.bar = Some((name.to_owned(), bar));
        }
        match &self.bar {
            Some((_, bar)) => bar,
            None => unreachable!("a bar was just put there"),
        }
    }
}

impl Watch for Shown<'_> {
    fn phase(&mut self, what: &str, share: f64) {
        let bar = self.bar(what, 1000, "{msg} {bar:32} {percent} %");
        bar.set_message(what.to_owned());
        bar.set_position((share * 1000.0) as u64);
    }

    fn step(&mut self, line: &crate::app::tune::MetricLine, total: u64, seconds_left: f64) {
        let left = crate::app::tune::duration(seconds_left);
        let speed = line.tokens as f64 / line.seconds.max(1e-9);
        let words = format!("loss {:.4}  {speed:.0} tokens/s  {left} left", line.loss);
        if self.quiet && (line.step.is_multiple_of(10) || line.step == total || line.step == 1) {
            self.printer.talk(&format!("step {}/{total}  {words}", line.step));
        }
        let bar = self.bar("training", total, "training {bar:32} {pos}/{len}  {msg}");
        bar.set_message(words);
        bar.set_position(line.step);
    }

    fn evaluated(&mut self, step: u64, loss: f64, best: bool) {
        self.clear();
        let mark = if best { ", the best so far" } else { "" };
        self.printer.talk(&format!("step {step}: held-out loss {loss:.4}{mark}"));
    }
}

/// The result in words.
fn text(report: &TuneReport) -> String {
    let mut out = format!("{}\n", report.headline());
    if let Some(held) = &report.held_out {
        out += &format!(
            "held-out perplexity {} before ({} to {}), {} after ({} to {})\n",
            number(held.perplexity_before.value, 3),
            number(held.perplexity_before.lower, 3),
            number(held.perplexity_before.upper, 3),
            number(held.perplexity_after.value, 3),
            number(held.perplexity_after.lower, 3),
            number(held.perplexity_after.upper, 3),
        );
    }
    if let Some(kept) = report.kept() {
        out += &format!("{kept}\n");
    }
    for score in &report.scores {
        let range = |e: Estimate| {
            format!("{} ({} to {})", number(e.value, 2), number(e.lower, 2), number(e.upper, 2))
        };
        let sure = score.p_value.map_or(String::new(), |p| format!(", {}", p_value(p)));
        out += &format!(
            "{} {} before, {} after, on {} held-out prompts{sure}\n",
            score.metric,
            range(score.before),
            range(score.after),
            score.n
        );
    }
    if let Some(sample) = report.samples.first() {
        out += &format!(
            "\nprompt  {}\nbefore  {}\nafter   {}\n",
            sample.prompt, sample.before, sample.after
        );
    }
    out += &format!(
        "\n{} steps in {:.0} s, {:.0} tokens a second\nreport: {}/report.html\n",
        report.steps, report.train_seconds, report.tokens_per_second, report.out
    );
    for next in &report.next {
        out += &format!("{}:\n  {}\n", next.what, next.command);
    }
    out
}
