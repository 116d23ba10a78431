//! Writes a model of meaningless weights, to measure the speed of a storage type on: a Llama of 24 blocks, 768 wide
//! (so that blocks of 256 values fill its rows), 154 million weights, all matrices in one type. It has no tokenizer
//! and says nothing sensible; its matrices repeat one stretch of small random values, which costs no time and no less
//! to compute. `cargo run --release -p grimoire-models --example synthetic -- OUT.gguf TYPE`, with TYPE such as
//! `Q4_K`.

use grimoire_format::gguf::{MetadataWriter, Writer};
use grimoire_format::{Dtype, TensorSpec};
use grimoire_kernels::{StorageType, storage};
use std::error::Error;

const BLOCKS: u32 = 24;
const WIDTH: usize = 768;
const KV_WIDTH: usize = 256;
const INNER: usize = 1536;
const VOCABULARY: usize = 40_960;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: synthetic OUT.gguf TYPE";
    let (out, ty) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    let dtype = (0..64).filter_map(Dtype::from_ggml).find(|dtype| dtype.name() == ty);
    let dtype = dtype.ok_or_else(|| format!("no storage type `{ty}`"))?;
    let specs = specs(dtype);
    let mut writer = Writer::create(out, &metadata(), &specs)?;
    let matrix = stretch(dtype)?;
    let ones = 1f32.to_le_bytes().repeat(WIDTH);
    for spec in &specs {
        let bytes = spec.bytes().ok_or("a row is not whole blocks")? as usize;
        let source = if spec.shape.len() == 1 { &ones } else { &matrix };
        let mut left = bytes;
        while left > 0 {
            let part = left.min(source.len());
            writer.append(&spec.name, &source[..part])?;
            left -= part;
        }
    }
    writer.finish()?;
    Ok(())
}

fn specs(dtype: Dtype) -> Vec<TensorSpec> {
    let matrix = |name: String, rows: usize, cols: usize| TensorSpec {
        name: name + ".weight",
        dtype,
        shape: vec![rows, cols],
    };
    let norm =
        |name: String| TensorSpec { name: name + ".weight", dtype: Dtype::F32, shape: vec![WIDTH] };
    let mut specs = vec![matrix("token_embd".to_owned(), VOCABULARY, WIDTH)];
    for block in 0..BLOCKS {
        let named = |name: &str| format!("blk.{block}.{name}");
        specs.push(norm(named("attn_norm")));
        specs.push(matrix(named("attn_q"), WIDTH, WIDTH));
        specs.push(matrix(named("attn_k"), KV_WIDTH, WIDTH));
        specs.push(matrix(named("attn_v"), KV_WIDTH, WIDTH));
        specs.push(matrix(named("attn_output"), WIDTH, WIDTH));
        specs.push(norm(named("ffn_norm")));
        specs.push(matrix(named("ffn_gate"), INNER, WIDTH));
        specs.push(matrix(named("ffn_up"), INNER, WIDTH));
        specs.push(matrix(named("ffn_down"), WIDTH, INNER));
    }
    specs.push(norm("output_norm".to_owned()));
    specs
}

fn metadata() -> MetadataWriter {
    let mut metadata = MetadataWriter::new();
    metadata
        .str("general.architecture", "llama")
        .u32("llama.block_count", BLOCKS)
        .u32("llama.context_length", 8192)
        .u32("llama.embedding_length", WIDTH as u32)
        .u32("llama.feed_forward_length", INNER as u32)
        .u32("llama.attention.head_count", 12)
        .u32("llama.attention.head_count_kv", 4)
        .u32("llama.vocab_size", VOCABULARY as u32)
        .f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
        .f32("llama.rope.freq_base", 10_000.0);
    metadata
}

/// 2¹⁷ and a few values between -0.04 and 0.04 in whole rows, by a linear congruence.
fn stretch(dtype: Dtype) -> Result<Vec<u8>, Box<dyn Error>> {
    let ty = StorageType::from_ggml(dtype.ggml_code()).ok_or("not a storage type of matrices")?;
    let mut state = 1u32;
    let values: Vec<f32> = (0..171 * WIDTH)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 16_777_216.0 * 0.08 - 0.04
        })
        .collect();
    let mut bytes = vec![0; ty.bytes_for(values.len()).ok_or("values do not fill whole blocks")?];
    storage::encode(ty, &values, &mut bytes)?;
    Ok(bytes)
}
