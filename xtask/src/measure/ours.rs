//! `cargo xtask bench`: training, reading and generating by shape, threads and storage type, with the share of the
//! machine's limit beside each figure. The limit is the arithmetic of `bench/README.md` at the peak of the multiply-add
//! units and at the speed of memory, which are measured first. No peers here.

use super::{circumstances, example, keep, lines, model, number, output};
use crate::repository;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Rows by length of the steps on the real model: each of both ranges, and their corners up to 8,192 tokens.
const SHAPES: [(usize, usize); 12] = [
    (1, 64),
    (4, 64),
    (32, 64),
    (1, 256),
    (2, 256),
    (4, 256),
    (8, 256),
    (32, 256),
    (1, 1024),
    (8, 1024),
    (1, 2048),
    (4, 2048),
];
/// Those of the steps by storage type.
const FEW_SHAPES: [(usize, usize); 3] = [(1, 64), (4, 64), (4, 256)];
const TYPES: [&str; 7] = ["Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q6_K", "BF16", "F32"];
const PROMPTS: [usize; 5] = [64, 256, 512, 1024, 2048];
const AT_ONCE: [usize; 6] = [1, 2, 4, 8, 16, 32];
const GROUPS: [&str; 3] = ["shapes", "types", "inference"];

/// Measures the groups that are named, all without names; `--quick` leaves out steps of more than 1,024 tokens,
/// `--threads 1,2` is the default.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (mut quick, mut threads, mut groups) = (false, vec![1, 2], Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--threads" => {
                let list = rest.next().context("--threads: expected numbers, such as 1,2")?;
                threads = list.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            group if GROUPS.contains(&group) => groups.push(group.to_owned()),
            other => bail!(
                "bench: no `{other}`; there are {}, --quick and --threads 1,2",
                GROUPS.join(", ")
            ),
        }
    }
    let machine = Machine::measure(&threads)?;
    for group in
        GROUPS.iter().filter(|&&group| groups.is_empty() || groups.iter().any(|g| g == group))
    {
        let text = match *group {
            "shapes" => shapes(&machine, quick)?,
            "types" => types(&machine)?,
            _ => inference(&machine)?,
        };
        keep(
            &format!("bench-{group}"),
            &format!("{}{}\n{text}", circumstances(), machine.words()),
        )?;
    }
    Ok(())
}

/// What the machine gives at most.
struct Machine {
    /// Threads asked for, and bytes a second that they read together.
    reading: Vec<(usize, f64)>,
    /// FLOP/s of one thread in f32.
    peak: f64,
}

impl Machine {
    fn measure(threads: &[usize]) -> Result<Self> {
        let (products, types) =
            (example("grimoire-kernels", "products")?, example("grimoire-kernels", "types")?);
        let peak = peak(&products)?;
        let mut reading = Vec::new();
        for threads in threads {
            let count = threads.to_string();
            let text = super::output_with(&types, &["1"], &[("RAYON_NUM_THREADS", &count)])?;
            let bytes = text.split("reading alone ").nth(1).and_then(|rest| rest.split(' ').next());
            let bytes: f64 = bytes.context("types: no speed of reading")?.parse()?;
            reading.push((*threads, bytes * 1e9));
        }
        Ok(Self { reading, peak: peak * 1e9 })
    }

    fn words(&self) -> String {
        let reading: Vec<String> = self
            .reading
            .iter()
            .map(|(threads, bytes)| format!("{:.1} GB/s by {threads}", bytes / 1e9))
            .collect();
        format!(
            "Peak of the multiply-add units of one thread: {:.1} GFLOP/s in f32; memory read: {}.\n",
            self.peak / 1e9,
            reading.join(", ")
        )
    }
}

/// Weights that a token meets in the blocks and in the head, the numbers of the adapters' weights, and the operations
/// of attention over one token of the past, forward and backward.
struct Arithmetic {
    blocks: f64,
    head: f64,
    adapters: f64,
    attention: f64,
}

/// SmolLM2-135M with adapters of rank 16.
const SMOLLM2: Arithmetic =
    Arithmetic { blocks: 106.2e6, head: 28.3e6, adapters: 4.9e6, attention: 121e3 };
/// The model of the example `synthetic`.
const SYNTHETIC: Arithmetic =
    Arithmetic { blocks: 122.7e6, head: 31.5e6, adapters: 4.6e6, attention: 129e3 };

impl Arithmetic {
    /// Seconds of a token in a training step of one thread at the peak: the frozen weights forward and backward,
    /// adapters three times, attention to half of the length.
    fn training(&self, length: usize, ty: &str, peak: f64) -> f64 {
        let frozen = 2.0 * (self.blocks + self.head);
        let rest = 6.0 * self.adapters + self.attention * length as f64;
        (frozen / times(ty) + frozen / half() + rest) / peak
    }

    /// Seconds of a token of a prompt of one thread at the peak; the head meets the last token alone.
    fn prompt(&self, length: usize, ty: &str, peak: f64) -> f64 {
        let forward = self.attention / 3.5 * length as f64;
        (2.0 * (self.blocks + self.head / length as f64) / times(ty) + forward) / peak
    }

    /// Seconds of one token of each of so many sequences at once, 64 tokens behind each, with keys and values in f16:
    /// the longer of reading the weights and of the arithmetic.
    fn generating(&self, sequences: usize, ty: &str, machine: &Machine, at: usize) -> f64 {
        let (threads, bytes) = machine.reading[at];
        let weights = self.blocks + self.head;
        let read = weights * bytes_of(ty) / bytes;
        let compute = 2.0 * weights / times(ty) / machine.peak / threads as f64 * sequences as f64;
        read.max(compute)
    }
}

/// How many products of a frozen weight the vector units take forward for one in f32 (`bench/README.md`).
fn times(ty: &str) -> f64 {
    match (ty, super::instruction_set()) {
        ("BF16" | "F32", _) => half(),
        (_, "avx512" | "avx512bf16") => 312.0 / 118.0,
        ("Q4_0" | "Q4_1" | "Q4_K", "avx2") => 64.0 / 20.0,
        ("Q6_K", "avx2") => 64.0 / 25.0,
        ("Q8_0", "avx2") => 64.0 / 37.0,
        _ => 1.0,
    }
}

/// The same for products in bf16.
fn half() -> f64 {
    if super::bf16() { 2.0 } else { 1.0 }
}

/// Bytes of a stored weight.
fn bytes_of(ty: &str) -> f64 {
    match ty {
        "Q4_0" | "Q4_K" => 0.5625,
        "Q4_1" => 0.625,
        "Q6_K" => 210.0 / 256.0,
        "Q8_0" => 1.0625,
        "BF16" => 2.0,
        _ => 4.0,
    }
}

fn shapes(machine: &Machine, quick: bool) -> Result<String> {
    let (model, step) = (model()?, example("grimoire-tune", "train_step")?);
    let mut text = "# Training step by shape\n\nLoRA of rank 16 on all linear layers of SmolLM2-135M-Instruct, Q4_1, \
         default precision, micro-batches of at most 512 tokens; one step after one to warm up. Share: of the limit by \
         arithmetic, by the clock on the wall. One thread is measured up to 4,096 tokens.\n\n\
         | rows x length | threads | tokens/s | share | peak MB | predicted |\n\
         | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for (rows, length) in SHAPES {
        for (threads, _) in &machine.reading {
            let most = match (quick, *threads) {
                (true, _) => 1024,
                (false, 1) => 4096,
                _ => usize::MAX,
            };
            if rows * length > most {
                continue;
            }
            let line = training(&step, Path::new(model), (rows, length), *threads)?;
            let speed = number(&line, "tokens_per_second");
            let limit = *threads as f64 / SMOLLM2.training(length, "Q4_1", machine.peak);
            let row = format!(
                "| {rows} x {length} | {threads} | {speed:.0} | {:.0} % | {:.0} | {:.0} |",
                100.0 * speed / limit,
                number(&line, "peak_mb"),
                number(&line, "predicted_mb"),
            );
            add(&mut text, &row);
        }
    }
    Ok(text)
}

fn training(step: &Path, model: &Path, shape: (usize, usize), threads: usize) -> Result<Value> {
    let [rows, length, threads] = [shape.0, shape.1, threads].map(|number| number.to_string());
    let model = model.to_string_lossy();
    lines(step, &[&model, "lora", &rows, &length, &threads, "1"])?
        .pop()
        .context("train_step printed nothing")
}

/// The model of meaningless weights in each type.
fn synthetic() -> Result<Vec<(&'static str, PathBuf)>> {
    let write = example("grimoire-models", "synthetic")?;
    let folder = repository::root().join("target/bench");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut files = Vec::new();
    for ty in TYPES {
        let file = folder.join(format!("synthetic-{ty}.gguf"));
        output(&write, &[&file.to_string_lossy(), ty])?;
        files.push((ty, file));
    }
    Ok(files)
}

fn types(machine: &Machine) -> Result<String> {
    let step = example("grimoire-tune", "train_step")?;
    let mut text = format!(
        "# Training step by storage type\n\nLoRA of rank 16 on all linear layers of a model of 24 blocks, 768 wide, 154 \
         million meaningless weights in one type; default precision; tokens/s after one step to warm up, and in brackets \
         the share of the limit by arithmetic.\n\n{}",
        heading(FEW_SHAPES.map(|(rows, length)| format!("{rows} x {length}")))
    );
    for (ty, file) in synthetic()? {
        for (threads, _) in &machine.reading {
            let mut row = format!("| {ty} | {threads} |");
            for (rows, length) in FEW_SHAPES {
                let line = training(&step, &file, (rows, length), *threads)?;
                let speed = number(&line, "tokens_per_second");
                let limit = *threads as f64 / SYNTHETIC.training(length, ty, machine.peak);
                let _ = write!(row, " {speed:.0} ({:.0} %) |", 100.0 * speed / limit);
            }
            add(&mut text, &row);
        }
    }
    Ok(text)
}

fn inference(machine: &Machine) -> Result<String> {
    let program = example("grimoire-tune", "inference")?;
    let workloads: Vec<String> = PROMPTS
        .iter()
        .map(|tokens| format!("prompt:{tokens}"))
        .chain(AT_ONCE.iter().map(|sequences| format!("at-once:{sequences}")))
        .collect();
    let mut text = format!(
        "# Reading and generating by storage type\n\nThe model of 154 million meaningless weights; default precision; \
         tokens/s of a prompt of so many tokens, and of so many sequences at once with 64 tokens behind each; in brackets \
         the share of the limit by arithmetic or, for generating, by reading the weights, whichever is lower.\n\n{}",
        heading(workloads.iter().map(|workload| workload.replace(':', " ")))
    );
    for (ty, file) in synthetic()? {
        for (at, (threads, _)) in machine.reading.iter().enumerate() {
            let count = threads.to_string();
            let file = file.to_string_lossy();
            let mut words = vec![&file[..], &count];
            words.extend(workloads.iter().map(String::as_str));
            let mut row = format!("| {ty} | {threads} |");
            let speeds = lines(&program, &words)?;
            let prompts = PROMPTS
                .iter()
                .map(|tokens| *threads as f64 / SYNTHETIC.prompt(*tokens, ty, machine.peak));
            let at_once =
                AT_ONCE.iter().map(|n| *n as f64 / SYNTHETIC.generating(*n, ty, machine, at));
            for (line, limit) in speeds.iter().zip(prompts.chain(at_once)) {
                let speed = number(line, "tokens_per_second");
                let _ = write!(row, " {speed:.0} ({:.0} %) |", 100.0 * speed / limit);
            }
            add(&mut text, &row);
        }
    }
    Ok(text)
}

/// Adds a row to a table, and shows it at once: a run that is cut off keeps nothing else.
#[expect(clippy::print_stdout, reason = "a chore speaks to the person who runs it")]
fn add(text: &mut String, row: &str) {
    println!("{row}");
    text.push_str(row);
    text.push('\n');
}

fn heading(columns: impl IntoIterator<Item = String>) -> String {
    let columns: Vec<String> = columns.into_iter().collect();
    format!(
        "| type | threads | {} |\n| --- | --- |{}\n",
        columns.join(" | "),
        " --- |".repeat(columns.len())
    )
}

/// The highest peak that the example `products` measures in turn with small products.
fn peak(products: &Path) -> Result<f64> {
    let text = output(products, &["8"])?;
    let found = text.lines().filter_map(|line| {
        line.strip_suffix(" GFLOP/s a thread")?.rsplit(' ').next()?.parse::<f64>().ok()
    });
    Ok(found.fold(0.0, f64::max))
}
