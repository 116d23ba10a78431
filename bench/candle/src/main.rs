//! A LoRA step of a Llama-shaped model in candle, as one has to write it there: rotary embedding, norm and attention
//! of plain ops, since candle's fused ones have no gradient, and the weights dequantised, since its quantised products
//! have none for their inputs either. The same tokens, rank, layers and optimiser as
//! `crates/grimoire-tune/examples/train_step.rs`, but for the clipping, which is left out in the peer's favour.
//! One line of JSON, as `bench/lora_step_pytorch.py` prints it.
//!
//! `lora-step-candle MODEL.gguf [ROWS] [LENGTH] [STEPS]`; `RAYON_NUM_THREADS` says how many threads.

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use std::fs::File;
use std::time::Instant;

const RANK: usize = 16;
const SCALE: f64 = 2.0;

/// A frozen matrix with its adapter.
struct Linear {
    weight: Tensor,
    a: Var,
    b: Var,
}

impl Linear {
    /// `[rows, length, in]` to `[rows, length, out]`.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (rows, length, width) = x.dims3()?;
        let flat = x.reshape((rows * length, width))?;
        let frozen = flat.matmul(&self.weight.t()?)?;
        let adapted = flat.matmul(&self.a.t()?)?.matmul(&self.b.t()?)?;
        (frozen + (adapted * SCALE)?)?.reshape((rows, length, ()))
    }
}

struct Block {
    norms: [Tensor; 2],
    /// q, k, v, o, gate, up, down.
    linears: [Linear; 7],
}

struct Model {
    embedding: Tensor,
    blocks: Vec<Block>,
    norm: Tensor,
    cos: Tensor,
    sin: Tensor,
    eps: f32,
    n_heads: usize,
    n_kv_heads: usize,
}

impl Model {
    fn open(path: &str, length: usize, device: &Device) -> Result<(Self, Vec<Var>)> {
        let mut file = File::open(path)?;
        let content = Content::read(&mut file)?;
        let find = |name: &str| -> Result<f64> {
            let value = &content.metadata[&format!("llama.{name}")];
            Ok(match value {
                Value::F32(value) => f64::from(*value),
                other => f64::from(other.to_u32()?),
            })
        };
        let (n_blocks, width) = (find("block_count")? as usize, find("embedding_length")? as usize);
        let n_heads = find("attention.head_count")? as usize;
        let n_kv_heads = find("attention.head_count_kv")? as usize;
        let (eps, base) = (find("attention.layer_norm_rms_epsilon")? as f32, find("rope.freq_base")?);
        let mut read = |name: &str| content.tensor(&mut file, name, device)?.dequantize(device);
        let mut vars = Vec::new();
        let mut blocks = Vec::new();
        for block in 0..n_blocks {
            let mut linear = |name: &str| -> Result<Linear> {
                let weight = read(&format!("blk.{block}.{name}.weight"))?;
                let (outs, ins) = weight.dims2()?;
                let bound = 1.0 / (ins as f64).sqrt();
                let a = Var::rand(-bound as f32, bound as f32, (RANK, ins), device)?;
                let b = Var::zeros((outs, RANK), DType::F32, device)?;
                vars.extend([a.clone(), b.clone()]);
                Ok(Linear { weight, a, b })
            };
            let linears = [
                linear("attn_q")?,
                linear("attn_k")?,
                linear("attn_v")?,
                linear("attn_output")?,
                linear("ffn_gate")?,
                linear("ffn_up")?,
                linear("ffn_down")?,
            ];
            let mut norm = |name: &str| read(&format!("blk.{block}.{name}.weight"));
            blocks.push(Block { norms: [norm("attn_norm")?, norm("ffn_norm")?], linears });
        }
        let half = width / n_heads / 2;
        let angles: Vec<f32> = (0..length)
            .flat_map(|place| {
                (0..half).map(move |i| (place as f64 * base.powf(-(i as f64) / half as f64)) as f32)
            })
            .collect();
        let angles = Tensor::from_vec(angles, (length, half), device)?;
        let model = Self {
            embedding: read("token_embd.weight")?,
            norm: read("output_norm.weight")?,
            blocks,
            cos: angles.cos()?,
            sin: angles.sin()?,
            eps,
            n_heads,
            n_kv_heads,
        };
        Ok((model, vars))
    }

    /// Mean cross entropy of the next token, over all rows.
    fn loss(&self, ids: &Tensor) -> Result<Tensor> {
        let (rows, length) = ids.dims2()?;
        let mut x = self.embedding.embedding(&ids.flatten_all()?)?.reshape((rows, length, ()))?;
        let mask: Vec<f32> = (0..length * length)
            .map(|i| if i % length > i / length { f32::NEG_INFINITY } else { 0.0 })
            .collect();
        let mask = Tensor::from_vec(mask, (length, length), ids.device())?;
        for block in &self.blocks {
            let normed = candle_nn::ops::rms_norm_slow(&x, &block.norms[0], self.eps)?;
            x = (x + self.attention(block, &normed, &mask)?)?;
            let normed = candle_nn::ops::rms_norm_slow(&x, &block.norms[1], self.eps)?;
            let gate = block.linears[4].forward(&normed)?.silu()?;
            x = (x + block.linears[6].forward(&(gate * block.linears[5].forward(&normed)?)?)?)?;
        }
        let x = candle_nn::ops::rms_norm_slow(&x, &self.norm, self.eps)?;
        let x = x.narrow(1, 0, length - 1)?.contiguous()?.reshape((rows * (length - 1), ()))?;
        let logits = x.matmul(&self.embedding.t()?)?;
        let next = ids.narrow(1, 1, length - 1)?.contiguous()?.flatten_all()?;
        candle_nn::loss::cross_entropy(&logits, &next)
    }

    fn attention(&self, block: &Block, x: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let (rows, length, width) = x.dims3()?;
        let head = width / self.n_heads;
        // [rows, heads, length, head]
        let split = |linear: &Linear, heads: usize| {
            linear.forward(x)?.reshape((rows, length, heads, head))?.transpose(1, 2)?.contiguous()
        };
        let q = split(&block.linears[0], self.n_heads)?;
        let k = split(&block.linears[1], self.n_kv_heads)?;
        let v = split(&block.linears[2], self.n_kv_heads)?;
        let q = candle_nn::rotary_emb::rope_i_slow(&q, &self.cos, &self.sin)?;
        let k = candle_nn::rotary_emb::rope_i_slow(&k, &self.cos, &self.sin)?;
        let share = |x: Tensor| -> Result<Tensor> {
            let times = self.n_heads / self.n_kv_heads;
            x.unsqueeze(2)?
                .broadcast_as((rows, self.n_kv_heads, times, length, head))?
                .contiguous()?
                .reshape((rows, self.n_heads, length, head))
        };
        let (k, v) = (share(k)?, share(v)?);
        let scores = (q.matmul(&k.transpose(2, 3)?.contiguous()?)? * (1.0 / (head as f64).sqrt()))?;
        let weights = candle_nn::ops::softmax(&scores.broadcast_add(mask)?, D::Minus1)?;
        let mixed = weights.matmul(&v)?.transpose(1, 2)?.contiguous()?.reshape((rows, length, width))?;
        block.linears[3].forward(&mixed)
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| {
        arguments.get(at).map_or(default, |text| text.parse().expect("a number"))
    };
    let path = arguments.first().expect("usage: lora-step-candle MODEL.gguf [ROWS] [LENGTH] [STEPS]");
    let (rows, length, steps) = (number(1, 4), number(2, 256), number(3, 3));
    let device = Device::Cpu;
    let (model, vars) = Model::open(path, length, &device)?;
    let rate = ParamsAdamW { lr: 5e-4, weight_decay: 0.0, ..ParamsAdamW::default() };
    let mut optimiser = AdamW::new(vars, rate)?;
    let ids: Vec<u32> = (0..length as u32).map(|i| 100 + i * 7919 % 40_000).collect();
    let ids = Tensor::from_vec(ids.repeat(rows), (rows, length), &device)?;
    let (mut seconds, mut processor, mut losses) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..=steps {
        let (start, used) = (Instant::now(), processor_seconds());
        let loss = model.loss(&ids)?;
        optimiser.backward_step(&loss)?;
        losses.push(loss.to_scalar::<f32>()?);
        seconds.push(start.elapsed().as_secs_f64());
        processor.push(processor_seconds() - used);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<f64>().ok());
    let line = serde_json::json!({
        "workload": format!("lora step, {rows} x {length}"),
        "peer": "candle",
        "setting": "f32",
        "threads": std::thread::available_parallelism().map_or(0, usize::from),
        "tokens_per_second": (rows * length) as f64 / median(&seconds[1..]),
        "tokens_per_processor_second": (rows * length) as f64 / median(&processor[1..]),
        "seconds": seconds,
        "loss": losses,
        "peak_mb": peak.map(|kib| kib * 1.024 / 1000.0),
        "versions": { "candle": "0.11.1" },
    });
    println!("{line}");
    Ok(())
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Seconds that all threads of this process have computed; 0 where Linux does not say.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}
