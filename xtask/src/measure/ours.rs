//! `cargo xtask bench`: the training step by rows, length and threads, with the share of the machine's limit
//! beside each figure. The limit is the arithmetic of `bench/README.md` at the peak of the multiply-add
//! units, which is measured first.

use super::{circumstances, example, keep, lines, model, number, output};
use anyhow::{Context, Result, bail};
use std::fmt::Write as _;
use std::path::Path;

/// Rows by length: each of both ranges, and their corners up to 8,192 tokens.
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

/// Measures all shapes, or with `--quick` those of at most 1,024 tokens; `--threads 1,2` is the default.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (mut quick, mut threads) = (false, vec![1, 2]);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--threads" => {
                let list = rest.next().context("--threads: expected numbers, such as 1,2")?;
                threads = list.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            other => bail!("bench: no option `{other}`; there are --quick and --threads 1,2"),
        }
    }
    let (model, step) = (model()?, example("grimoire-tune", "train_step")?);
    let peak = peak(&example("grimoire-kernels", "products")?)?;
    let mut text = format!(
        "# Training step by shape\n\n{}Peak of the multiply-add units of one thread: {peak:.1} GFLOP/s.\n\n\
         LoRA of rank 16 on all linear layers of SmolLM2-135M-Instruct, Q4_1, f32; one step after one to warm \
         up. Share: of the limit by arithmetic at that peak, by the clock on the wall and by processor \
         seconds.\n\n\
         | rows x length | threads | tokens/s | share | for a processor second | share | peak MB | predicted |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        circumstances()
    );
    for (rows, length) in SHAPES {
        if quick && rows * length > 1024 {
            continue;
        }
        for threads in &threads {
            let (rows_word, length_word) = (rows.to_string(), length.to_string());
            let threads_word = threads.to_string();
            let arguments = [model, "lora", &rows_word, &length_word, &threads_word, "1"];
            let line = lines(&step, &arguments)?.pop().context("train_step printed nothing")?;
            let limit = peak * 1e9 / flops_per_token(length);
            let (wall, each) =
                (number(&line, "tokens_per_second"), number(&line, "tokens_per_processor_second"));
            let _ = writeln!(
                text,
                "| {rows} x {length} | {threads} | {wall:.0} | {:.0} % | {each:.0} | {:.0} % | {:.0} | {:.0} |",
                100.0 * wall / limit / *threads as f64,
                100.0 * each / limit,
                number(&line, "peak_mb"),
                number(&line, "predicted_mb"),
            );
        }
    }
    keep("train-step", &text)
}

/// Of `bench/README.md`: weights both ways, adapters, and attention, which grows with the length.
fn flops_per_token(length: usize) -> f64 {
    538e6 + 29e6 + 31e6 * length as f64 / 256.0
}

/// The highest peak that the example `products` measures in turn with small products.
fn peak(products: &Path) -> Result<f64> {
    let text = output(products, &["8"])?;
    let found = text.lines().filter_map(|line| {
        line.strip_suffix(" GFLOP/s a thread")?.rsplit(' ').next()?.parse::<f64>().ok()
    });
    Ok(found.fold(0.0, f64::max))
}
