//! Which tokens begin a text, end it, and end an answer.
//! A model's files name one or two; the others are recognised by the names that model families
//! give them, and only where the token is marked as special in the model's own table.

use super::vocabulary::{Kind, Vocabulary};

/// Tokens that end a turn or a text in the published chat formats of the families named.
const ENDS: [&str; 14] = [
    "</s>",                  // Llama 2, Mistral
    "<eos>",                 // Gemma
    "<end_of_turn>",         // Gemma
    "<|endoftext|>",         // GPT-2, Qwen, SmolLM
    "<|im_end|>",            // ChatML
    "<|end_of_text|>",       // Llama 3, Granite
    "<|eot_id|>",            // Llama 3
    "<|eom_id|>",            // Llama 3, before a tool's answer
    "<|end|>",               // Phi-3
    "<|endofturn|>",         // EXAONE, HyperCLOVA
    "<|END_OF_TURN_TOKEN|>", // Command R
    "<end_of_utterance>",    // SmolVLM
    "<|end_of_sentence|>",   // DeepSeek, ASCII spelling
    "<｜end▁of▁sentence｜>", // DeepSeek
];

/// The tokens with a part of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpecialTokens {
    /// Begins a text.
    pub bos: Option<u32>,
    /// Ends a text; in chat models usually a turn.
    pub eos: Option<u32>,
    /// Stands for what the vocabulary cannot spell.
    pub unknown: Option<u32>,
    /// Fills a row of a batch.
    pub pad: Option<u32>,
    /// Every token after which generation stops, in rising order; holds `eos`.
    pub end_of_generation: Vec<u32>,
    /// Encoding with special tokens puts `bos` first.
    pub add_bos: bool,
    /// Encoding with special tokens puts `eos` last.
    pub add_eos: bool,
}

impl SpecialTokens {
    /// Adds `eos`, the given ids and those found by name to the tokens that end generation.
    pub(crate) fn find_ends(&mut self, vocabulary: &Vocabulary, more: &[u32]) {
        let named = ENDS
            .iter()
            .filter_map(|name| vocabulary.id(name))
            .filter(|id| vocabulary.kind(*id) == Some(Kind::Control));
        self.end_of_generation.extend(named.chain(self.eos).chain(more.iter().copied()));
        self.end_of_generation.sort_unstable();
        self.end_of_generation.dedup();
    }
}
