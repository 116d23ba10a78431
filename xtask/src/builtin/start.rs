//! The model before its first step: a Llama of about a million parameters with random weights and the
//! learned vocabulary, as a GGUF file that the product itself can train.

use super::bpe::Vocabulary;
use super::draw::Draw;
use anyhow::Result;
use grimoire_format::gguf::{MetadataWriter, Writer};
use grimoire_format::{Dtype, TensorSpec};
use std::path::Path;

const WIDTH: usize = 128;
const LAYERS: usize = 4;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const HIDDEN: usize = 384;
const CONTEXT: u32 = 256;
/// Ends every document.
pub(crate) const END: &str = "<|end|>";

/// The shapes of all tensors, `[out, in]`, with the spread of their first values; norms have none.
fn tensors(vocabulary: usize) -> Vec<(String, Vec<usize>, Option<f64>)> {
    let (head, spread) = (WIDTH / HEADS, 1.0 / (WIDTH as f64).sqrt());
    // Layers add to the stream 2·LAYERS times; their last matrices start smaller by the root of that.
    let last = spread / ((2 * LAYERS) as f64).sqrt();
    let mut all = vec![("token_embd.weight".to_owned(), vec![vocabulary, WIDTH], Some(0.05))];
    for layer in 0..LAYERS {
        let mut add = |name: &str, shape: &[usize], spread| {
            all.push((format!("blk.{layer}.{name}.weight"), shape.to_vec(), spread));
        };
        add("attn_norm", &[WIDTH], None);
        add("attn_q", &[WIDTH, WIDTH], Some(spread));
        add("attn_k", &[KV_HEADS * head, WIDTH], Some(spread));
        add("attn_v", &[KV_HEADS * head, WIDTH], Some(spread));
        add("attn_output", &[WIDTH, WIDTH], Some(last));
        add("ffn_norm", &[WIDTH], None);
        add("ffn_gate", &[HIDDEN, WIDTH], Some(spread));
        add("ffn_up", &[HIDDEN, WIDTH], Some(spread));
        add("ffn_down", &[WIDTH, HIDDEN], Some(last));
    }
    all.push(("output_norm.weight".to_owned(), vec![WIDTH], None));
    all
}

/// Writes the model; returns how many parameters it has.
pub(crate) fn write(file: &Path, vocabulary: &Vocabulary, seed: u64) -> Result<usize> {
    let mut tokens = vocabulary.tokens.clone();
    tokens.push(END.to_owned());
    let end = tokens.len() as u32 - 1;
    let mut types = vec![1; tokens.len()];
    types[end as usize] = 3;
    let mut metadata = MetadataWriter::new();
    metadata
        .str("general.architecture", "llama")
        .str("general.name", "Grimoire builtin")
        .str("general.license", "apache-2.0")
        .u32("llama.block_count", LAYERS as u32)
        .u32("llama.context_length", CONTEXT)
        .u32("llama.embedding_length", WIDTH as u32)
        .u32("llama.feed_forward_length", HIDDEN as u32)
        .u32("llama.attention.head_count", HEADS as u32)
        .u32("llama.attention.head_count_kv", KV_HEADS as u32)
        .f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
        .f32("llama.rope.freq_base", 10_000.0)
        .u32("llama.rope.dimension_count", (WIDTH / HEADS) as u32)
        .u32("llama.vocab_size", tokens.len() as u32)
        .str("tokenizer.ggml.model", "gpt2")
        .str("tokenizer.ggml.pre", "gpt-2")
        .strings("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &types)
        .strings("tokenizer.ggml.merges", &vocabulary.merges)
        .u32("tokenizer.ggml.bos_token_id", end)
        .u32("tokenizer.ggml.eos_token_id", end)
        .bool("tokenizer.ggml.add_bos_token", false);
    let tensors = tensors(tokens.len());
    let spec = |(name, shape, _): &(String, Vec<usize>, Option<f64>)| TensorSpec {
        name: name.clone(),
        shape: shape.clone(),
        dtype: Dtype::F32,
    };
    let specs: Vec<TensorSpec> = tensors.iter().map(spec).collect();
    let mut writer = Writer::create(file, &metadata, &specs)?;
    let mut count = 0;
    for (stream, (name, shape, spread)) in tensors.iter().enumerate() {
        let mut draw = Draw::new(seed, stream as u64);
        let n = shape.iter().product::<usize>();
        let value = |_| spread.map_or(1.0, |spread| draw.normal() * spread) as f32;
        let bytes: Vec<u8> = (0..n).map(value).flat_map(f32::to_le_bytes).collect();
        writer.append(name, &bytes)?;
        count += n;
    }
    writer.finish()?;
    Ok(count)
}
