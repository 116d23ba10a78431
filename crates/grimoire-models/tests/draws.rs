//! Draws belong to a prompt: they are the same in whatever company it is answered.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use grimoire_models::{Answer, Checkpoint, Generation, Model, Sampling, generate};
use grimoire_tensor::Params;

#[test]
fn a_prompt_draws_the_same_however_prompts_are_grouped() {
    let file = grimoire_testkit::repository_root().join("golden/models/gguf/F32.gguf");
    let checkpoint = Checkpoint::open(&file).unwrap();
    let (model, tokenizer) = (Model::load(&checkpoint).unwrap(), checkpoint.tokenizer().unwrap());
    let prompts: Vec<Vec<u32>> = (0..7).map(|n| vec![10 + n, 20, 30]).collect();
    let sampling = Sampling { temperature: 1.0, seed: 5, ..Sampling::default() };
    let options =
        Generation { sampling, max_tokens: 12, ignore_end: true, ..Generation::default() };
    let answer = |prompts: &[Vec<u32>], first| -> Vec<Answer> {
        let options = Generation { first, ..options.clone() };
        let params = Params::default();
        generate(&model, &params, &tokenizer, prompts, &options, &mut |_, _| true).unwrap()
    };
    let together = answer(&prompts, 0);
    for size in [1, 2, 3] {
        let cut = prompts.chunks(size).enumerate();
        let apart: Vec<Answer> =
            cut.flat_map(|(n, some)| answer(some, (n * size) as u64)).collect();
        let tokens = |answers: &[Answer]| -> Vec<Vec<u32>> {
            answers.iter().map(|answer| answer.tokens.clone()).collect()
        };
        assert_eq!(tokens(&apart), tokens(&together), "in groups of {size}");
    }
    // And each prompt has draws of its own.
    let same = answer(&vec![prompts[0].clone(); 3], 0);
    assert!(same[0].tokens != same[1].tokens && same[1].tokens != same[2].tokens);
}
