//! A run from request to report: prepare, measure, train, measure again, write. What can be resumed is read
//! back from the folder instead of being done again.

use super::begun::{Inputs, Places};
use super::dataset::{self, Dataset};
use super::folder::{MetricLine, RunFolder};
use super::judge::{self, Judged};
use super::preflight::{Preflight, duration, grouped, megabytes, preflight};
use super::progress::{Evaluated, Progress};
use super::request::{Method, TuneRequest};
use crate::app::available::available;
use crate::app::broken::not_finite;
use crate::app::loading::{Loaded, load_plain};
use crate::app::report_html::report_html;
use crate::app::tune_report::{Estimate, Evaluation, Fact, NextCommand, StepMetric, TuneReport};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_hub::Reference;
use grimoire_tensor::Params;
use grimoire_tune::{Plan, Sequence, Snapshot, Trainer, TuneError, adapter, evaluate};
use std::path::Path;
use std::time::Instant;

/// Hears how a run goes on.
pub(crate) trait Watch {
    /// A phase other than training, and the share of it that is done.
    fn phase(&mut self, what: &str, share: f64);
    /// A step of training.
    fn step(&mut self, line: &MetricLine, total: u64, seconds_left: f64);
    /// An evaluation during training.
    fn evaluated(&mut self, step: u64, loss: f64, best: bool);
}

/// A run that is ready to begin.
pub(crate) struct Prepared {
    pub(crate) request: TuneRequest,
    pub(crate) preflight: Preflight,
    loaded: Loaded,
    dataset: Dataset,
    trainer: Trainer,
    folder: Option<RunFolder>,
    progress: Progress,
}

/// Loads everything, and says what was understood; writes nothing. Unless it is only for that, a place where the
/// run could not be kept is refused first.
pub(crate) fn prepare(
    mut request: TuneRequest,
    dry_run: bool,
    printer: &mut Printer,
) -> Outcome<Prepared> {
    request.check()?;
    if !dry_run {
        RunFolder::refuse_unusable(&request.out)?;
    }
    request.places = Places::of(&request);
    ready(request, printer)
}

fn ready(mut request: TuneRequest, printer: &mut Printer) -> Outcome<Prepared> {
    let inputs = Inputs::of_files(&request);
    request.inputs.refuse_changed(&inputs, &request)?;
    let mut loaded = load_plain(&request.model_here(), printer)?;
    loaded.name.clone_from(&request.model);
    let dataset = dataset::load(&request, &loaded)?;
    let inputs = inputs.loaded(&loaded, &dataset);
    request.inputs.refuse_changed(&inputs, &request)?;
    request.inputs = inputs;
    let params = trainable(&request, &mut loaded)?;
    let mut trainer = Trainer::new(params, request.plan(dataset.train.len()));
    let preflight = preflight(&request, &loaded, &dataset, &mut trainer);
    refuse_unless_fits(preflight.peak_bytes, preflight.available_bytes)?;
    Ok(Prepared {
        request,
        preflight,
        loaded,
        dataset,
        trainer,
        folder: None,
        progress: Progress::default(),
    })
}

fn refuse_unless_fits(bytes: u64, available: Option<u64>) -> Outcome {
    let Some(free) = available.filter(|free| bytes > *free) else { return Ok(()) };
    let message = format!(
        "the run would take {} of memory, and {} are available",
        megabytes(bytes),
        megabytes(free)
    );
    let hint = "a smaller --max-length, --micro-tokens or --rank takes less; LoRA takes less than --method full";
    Err(Failure::work(message).hint(hint))
}

fn trainable(request: &TuneRequest, loaded: &mut Loaded) -> Outcome<Params> {
    let mut params = Params::default();
    // Value, gradient and two moments of each weight that is trained are known before any of it is taken.
    match request.method {
        Method::Lora => {
            let values = adapter::n_values(&loaded.model, &params, &request.lora());
            refuse_unless_fits(u64::try_from(16 * values).unwrap_or(u64::MAX), available())?;
            adapter::attach(&mut loaded.model, &mut params, &request.lora(), request.seed)?;
        }
        Method::Full => {
            let weights: usize =
                loaded.checkpoint.tensors().iter().map(|tensor| tensor.len()).sum();
            refuse_unless_fits(16 * weights as u64, available())?;
            loaded.model.train_all(&mut params);
        }
    }
    Ok(params)
}

/// A run as it was left in its folder, ready to go on.
pub(crate) fn resume(path: &Path, printer: &mut Printer) -> Outcome<Prepared> {
    let folder = RunFolder::open(path)?;
    let mut request: TuneRequest = folder
        .read("run.json")?
        .ok_or_else(|| Failure::work(format!("{}: no run.json", path.display())))?;
    request.out = path.to_owned();
    request.refuse_lost(&folder.file("run.json"))?;
    request.check()?;
    let mut prepared = ready(request, printer)?;
    if folder.state().exists() {
        let (trainer, remembered) = Snapshot::resume(&folder.state(), prepared.trainer)?;
        prepared.trainer = trainer;
        prepared.progress = serde_json::from_str(&remembered).map_err(|error| {
            Failure::work(format!("{}: what was remembered: {error}", folder.state().display()))
        })?;
    }
    prepared.folder = Some(folder);
    Ok(prepared)
}

/// Trains, measures, and writes the adapter and the reports.
pub(crate) fn train(prepared: Prepared, watch: &mut dyn Watch) -> Outcome<TuneReport> {
    let out = prepared.request.out.clone();
    go(prepared, watch).map_err(|failure| {
        if !out.join("run.json").exists() {
            return failure;
        }
        let out = out.display();
        failure.or_hint(format!("what was saved is whole; go on by `grimoire tune --resume {out}`"))
    })
}

fn go(prepared: Prepared, watch: &mut dyn Watch) -> Outcome<TuneReport> {
    let Prepared { request, preflight, mut loaded, dataset, mut trainer, folder, mut progress } =
        prepared;
    let folder = match folder {
        Some(folder) => folder,
        None => {
            let folder = RunFolder::create(&request.out)?;
            folder.write("run.json", &request)?;
            folder
        }
    };
    let before = match folder.read::<Judged>("before.json")? {
        Some(before) => before,
        None => {
            // At the first step the adapter does nothing, and full tuning has changed nothing.
            loaded.params = trainer.params.clone();
            let before = judge::judge(&request, &loaded, &dataset, &mut |what, share| {
                watch.phase(&format!("before: {what}"), share);
            })?;
            folder.write("before.json", &before)?;
            // A copy less while training.
            loaded.params = Params::default();
            before
        }
    };
    let mut metrics = folder.metrics_up_to(trainer.steps())?;
    let sequences = Dataset::sequences(&dataset.train);
    let total = request.total_steps(sequences.len());
    let held = Dataset::sequences(&dataset.held);
    let every = request.eval_every.unwrap_or((total / 5).max(1));
    while trainer.steps() < total && !stopped(&request, &progress) {
        let start = Instant::now();
        let report = trainer.step(&loaded.model, &sequences).map_err(|error| match error {
            // Nothing was changed yet: the weights came like that.
            TuneError::NotFinite { step: 1, what, .. } => {
                not_finite(&loaded, &trainer.params, what)
            }
            error => kept(error.into(), &folder),
        })?;
        let seconds = start.elapsed().as_secs_f64();
        progress.seconds += seconds;
        let line = MetricLine {
            step: report.step,
            loss: report.loss,
            rate: report.rate,
            gradient_norm: report.gradient_norm,
            tokens: report.tokens,
            scored: report.scored,
            seconds,
        };
        folder.append_metric(&line)?;
        metrics.push(line);
        let taken = metrics.len().max(1) as f64;
        watch.step(&line, total, progress.seconds / taken * (total - report.step) as f64);
        let last = report.step == total;
        if !held.is_empty() && (report.step % every == 0 || last) {
            evaluate_now(&request, &loaded, &trainer, &held, &folder, &mut progress, watch)?;
        }
        if report.step % request.save_every == 0 || last {
            Snapshot::save(&folder.state(), &trainer, &serde_json::to_string(&progress)?)?;
        }
    }
    finish(
        &request,
        &preflight,
        &mut loaded,
        &dataset,
        trainer,
        &folder,
        &progress,
        &metrics,
        &before,
        watch,
    )
}

fn stopped(request: &TuneRequest, progress: &Progress) -> bool {
    request.patience.is_some_and(|patience| progress.since_best >= patience)
}

/// Says what is left of a run that cannot go on.
fn kept(failure: Failure, folder: &RunFolder) -> Failure {
    let saved = if folder.state().exists() {
        format!("the last good snapshot is {}", folder.state().display())
    } else {
        "no snapshot was written yet".to_owned()
    };
    failure.hint(format!("{saved}; a new run with a smaller --rate often helps"))
}

fn evaluate_now(
    request: &TuneRequest,
    loaded: &Loaded,
    trainer: &Trainer,
    held: &[Sequence],
    folder: &RunFolder,
    progress: &mut Progress,
    watch: &mut dyn Watch,
) -> Outcome {
    let averaged = trainer.average.is_some().then(|| trainer.weights());
    let weights = averaged.as_ref().unwrap_or(&trainer.params);
    let losses = evaluate(&loaded.model, weights, held, request.micro_tokens, &mut |done| {
        watch.phase("evaluating", done as f64 / held.len() as f64);
        true
    });
    let step = trainer.steps();
    if losses.iter().any(|loss| !loss.nll.is_finite()) {
        let what = format!("held-out loss after step {step}");
        return Err(kept(not_finite(loaded, weights, &what), folder));
    }
    let losses: Vec<(f64, u64)> =
        losses.iter().map(|loss| (loss.nll, loss.tokens as u64)).collect();
    let Estimate { value, lower: low, upper: high } = judge::loss_estimate(&losses)?;
    let best = progress.take(Evaluated { step, loss: value, low, high });
    if best {
        Snapshot::save(&folder.best(), trainer, "")?;
    }
    watch.evaluated(step, value, best);
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the end of `train`, with all it has gathered")]
fn finish(
    request: &TuneRequest,
    preflight: &Preflight,
    loaded: &mut Loaded,
    dataset: &Dataset,
    trainer: Trainer,
    folder: &RunFolder,
    progress: &Progress,
    metrics: &[MetricLine],
    before: &Judged,
    watch: &mut dyn Watch,
) -> Outcome<TuneReport> {
    // The best step's weights where the last are not the best.
    let (steps, plan) = (trainer.steps(), trainer.plan().clone());
    let best = progress.best.filter(|(step, _)| *step != steps && folder.best().exists());
    loaded.params = match best {
        Some(_) => Snapshot::resume(&folder.best(), trainer)?.0.into_weights(),
        None => trainer.into_weights(),
    };
    let after = judge::judge(request, loaded, dataset, &mut |what, share| {
        watch.phase(&format!("after: {what}"), share);
    })?;
    save_weights(request, loaded, folder)?;
    folder.write("after.json", &after)?;
    let report = TuneReport {
        model: loaded.name.clone(),
        data: request.data.clone(),
        out: folder.path().display().to_string(),
        method: request.method_line(),
        settings: settings(request, loaded, &plan),
        versions: versions(),
        data_facts: data_facts(preflight),
        seed: request.seed,
        steps,
        train_seconds: progress.seconds,
        tokens_per_second: metrics.iter().map(|m| m.tokens as f64).sum::<f64>()
            / metrics.iter().map(|m| m.seconds).sum::<f64>().max(1e-9),
        peak_bytes: peak(),
        predicted_peak_bytes: Some(preflight.peak_bytes),
        held_out: judge::held_out(request, &dataset.held, before, &after)?,
        scores: judge::scores(request, dataset, before, &after)?,
        metrics: metrics.iter().map(step_metric).collect(),
        evaluations: progress
            .evaluations
            .iter()
            .map(|e| Evaluation {
                step: e.step,
                loss: Estimate { value: e.loss, lower: e.low, upper: e.high },
            })
            .collect(),
        best_step: progress.best.map(|(step, _)| step),
        samples: judge::samples(request, dataset, before, &after),
        warnings: preflight.warnings.clone(),
        next: next(request, loaded, folder),
    };
    folder.write("report.json", &report)?;
    folder.write_text("report.html", &report_html(&report).map_err(Failure::work)?)?;
    Ok(report)
}

fn save_weights(request: &TuneRequest, loaded: &Loaded, folder: &RunFolder) -> Outcome {
    match request.method {
        Method::Lora => {
            let (base, revision) = base(request, loaded);
            let mut adapter = adapter::to_peft(
                &loaded.model,
                &loaded.params,
                &loaded.checkpoint,
                &request.lora(),
                &base,
            )?;
            adapter.config.revision = revision;
            adapter.write(folder.file("adapter"))?;
        }
        Method::Full => crate::app::tuned::write_whole(loaded, folder.path())?,
    }
    Ok(())
}

/// What the base is called wherever the adapter goes: a name on the hub with its revision, or a path from the root.
fn base(request: &TuneRequest, loaded: &Loaded) -> (String, Option<String>) {
    if request.places.model.is_none()
        && !Path::new(&request.model).exists()
        && let Ok(name) = Reference::parse(&request.model)
    {
        let pinned = request.model.contains('@').then(|| name.revision().to_owned());
        return (name.repo().to_owned(), pinned);
    }
    let path = loaded.checkpoint.path();
    let from_root = std::path::absolute(path).ok().filter(|path| path.exists());
    (from_root.as_deref().unwrap_or(path).display().to_string(), None)
}

fn step_metric(line: &MetricLine) -> StepMetric {
    StepMetric {
        step: line.step,
        loss: line.loss,
        learning_rate: line.rate,
        tokens_per_second: line.tokens as f64 / line.seconds.max(1e-9),
        grad_norm: line.gradient_norm,
    }
}

fn fact(name: &str, value: impl ToString) -> Fact {
    Fact { name: name.to_owned(), value: value.to_string() }
}

fn settings(request: &TuneRequest, loaded: &Loaded, plan: &Plan) -> Vec<Fact> {
    let (longest, _) = request.longest_row(loaded.model.config().context);
    vec![
        fact("steps", plan.schedule.total),
        fact("documents per step", plan.batch),
        fact("peak learning rate", format!("{:e}", plan.rate)),
        fact(
            "schedule",
            format!("{}, {} steps of warm-up", request.schedule, plan.schedule.warmup),
        ),
        fact(
            "clipping",
            plan.clip.map_or("none".to_owned(), |clip| format!("gradient norm {clip}")),
        ),
        fact("weight decay", plan.adamw.decay),
        fact(
            "average of weights",
            plan.ema.map_or("none".to_owned(), |beta| format!("EMA, {beta}")),
        ),
        fact("longest row", format!("{longest} tokens")),
        fact("micro-batch", format!("{} tokens", plan.micro_tokens)),
        fact(
            "trained on",
            if request.train_on_prompt { "prompts and answers" } else { "answers alone" },
        ),
    ]
}

fn versions() -> Vec<Fact> {
    vec![
        fact("grimoire", env!("CARGO_PKG_VERSION")),
        fact("instruction set", grimoire_kernels::Isa::current().name()),
        fact("threads", rayon::current_num_threads()),
    ]
}

fn data_facts(preflight: &Preflight) -> Vec<Fact> {
    let data = &preflight.data;
    let (train, held) = (&data.train, &data.held_out);
    vec![
        fact("rows trained on", format!("{}{}", train.rows, train.in_pieces())),
        fact(
            "rows held out",
            format!("{}{} ({})", held.rows, held.in_pieces(), data.held_out_from),
        ),
        fact("tokens of rows trained on", grouped(train.tokens as u64)),
        fact("tokens trained on", grouped(train.scored_tokens as u64)),
        fact("tokens lost to truncation of rows trained on", grouped(train.lost_tokens as u64)),
        fact("exact duplicates", train.duplicates + held.duplicates),
        fact("predicted time of training", duration(preflight.train_seconds)),
    ]
}

fn next(request: &TuneRequest, loaded: &Loaded, folder: &RunFolder) -> Vec<NextCommand> {
    let (model, out) = (request.model_here(), folder.path().display());
    let next = |what: &str, command: String| NextCommand { what: what.to_owned(), command };
    let chat = if loaded.has_template() { "--chat " } else { "" };
    let ask = |what: String| {
        next("Ask the tuned model", format!("grimoire generate {what} {chat}--prompt \"…\""))
    };
    let mut commands = match request.method {
        Method::Lora => vec![
            ask(format!("{model} --adapter {out}")),
            next(
                "Merge the adapter into a file of its own",
                format!("grimoire model merge {model} {out} --out tuned.gguf"),
            ),
        ],
        Method::Full => vec![
            ask(out.to_string()),
            next(
                "Write the tuned model in fewer bits",
                format!("grimoire model merge {out} --type q8_0 --out tuned.gguf"),
            ),
        ],
    };
    if request.model == "builtin" {
        commands.push(next(
            "Tune a model of your own on data of your own",
            "grimoire tune MODEL.gguf DATA.jsonl".to_owned(),
        ));
    }
    commands
}

/// The peak of resident memory so far, in bytes.
fn peak() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
