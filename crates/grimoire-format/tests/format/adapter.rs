//! Adapters against those that PEFT wrote (golden/format/make_adapters.py), and from one format to
//! the other and back.

use crate::golden;
use grimoire_format::Mapped;
use grimoire_format::adapter::gguf_lora::GgufLora;
use grimoire_format::adapter::peft::PeftAdapter;
use grimoire_format::adapter::{LoraPair, PeftConfig};
use grimoire_testkit::{all_close, close};
use std::path::Path;

/// `scale·B·A` in f64, row-major `[outputs, inputs]`.
fn delta(pair: &LoraPair) -> Vec<f64> {
    let mut out = Vec::new();
    for row in pair.b.chunks(pair.rank) {
        for column in 0..pair.inputs {
            let sum: f64 = row
                .iter()
                .enumerate()
                .map(|(k, b)| f64::from(*b) * f64::from(pair.a[k * pair.inputs + column]))
                .sum();
            out.push(sum * f64::from(pair.scale));
        }
    }
    out
}

const ADAPTERS: [&str; 2] = ["peft-patterns", "peft-rslora"];

#[test]
fn reads_what_peft_wrote_with_the_same_scales() {
    let expected: serde_json::Value = grimoire_testkit::golden::read("format/adapters.json");
    for name in ADAPTERS {
        let adapter = PeftAdapter::open(golden(name)).unwrap();
        let modules = expected[name].as_object().unwrap();
        assert_eq!(adapter.pairs.len(), modules.len());
        for pair in &adapter.pairs {
            let recorded = &modules[&pair.module];
            assert_eq!(recorded["rank"], pair.rank);
            assert_eq!(recorded["shape"], serde_json::json!([pair.outputs, pair.inputs]));
            assert_eq!(recorded["scale"].as_f64().unwrap() as f32, pair.scale);
            let recorded: Vec<f64> = serde_json::from_value(recorded["delta"].clone()).unwrap();
            // Our scale is PEFT's rounded to f32; sums of few products in f64.
            all_close(&delta(pair), &recorded, 1e-7, 1e-12);
        }
    }
}

#[test]
fn writes_what_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    for name in ADAPTERS {
        let adapter = PeftAdapter::open(golden(name)).unwrap();
        adapter.write(folder.path().join(name)).unwrap();
        assert_eq!(PeftAdapter::open(folder.path().join(name)).unwrap(), adapter);
    }
}

/// PEFT to GGUF and back: the same products, and where one alpha says every scale the same bits.
#[test]
fn crosses_to_gguf_and_back() {
    let folder = tempfile::tempdir().unwrap();
    for name in ADAPTERS {
        let peft = PeftAdapter::open(golden(name)).unwrap();
        let path = folder.path().join(format!("{name}.gguf"));
        let there = GgufLora {
            architecture: "llama".into(),
            name: Some(name.into()),
            pairs: peft.pairs.clone(),
        };
        let written = there.write(&path).unwrap();
        let back = GgufLora::open(&path).unwrap();
        assert_eq!((&back.architecture, &back.name), (&there.architecture, &there.name));
        for (a, b) in back.pairs.iter().zip(&peft.pairs) {
            assert_eq!((&a.module, a.rank, &a.a), (&b.module, b.rank, &b.a));
            // Folding rounds each value of B once, by 2^-24 of it at most; without it the scale may
            // be off by one in its last place, 2^-23.
            let absolute = LoraPair {
                a: b.a.iter().map(|a| a.abs()).collect(),
                b: b.b.iter().map(|b| b.abs()).collect(),
                ..b.clone()
            };
            for ((a, b), most) in delta(a).iter().zip(delta(b)).zip(delta(&absolute)) {
                close(*a, b, 0.0, most / f64::from(1 << 23));
            }
        }
        match name {
            // Rank 6 everywhere: alpha·√6 says it all.
            "peft-rslora" => {
                assert_eq!(written.folded, 0);
                assert!(back.pairs.iter().zip(&peft.pairs).all(|(a, b)| a.b == b.b));
                assert!((f64::from(written.alpha) - 17.0 * 6_f64.sqrt()).abs() < 1e-5);
            }
            // Alphas 5, 11 and 17: one of the four pairs' is kept, the others are folded.
            _ => assert_eq!(written.folded, 2, "{written:?}"),
        }
        let again = PeftAdapter::from_pairs(back.pairs.clone(), &[], Path::new(name)).unwrap();
        again.write(folder.path().join("again")).unwrap();
        assert_eq!(PeftAdapter::open(folder.path().join("again")).unwrap().pairs, back.pairs);
    }
}

#[test]
fn a_zero_scale_survives_a_format_where_zero_means_one() {
    let folder = tempfile::tempdir().unwrap();
    let pair = LoraPair {
        module: "blk.0.attn_q.weight".into(),
        rank: 1,
        inputs: 2,
        outputs: 1,
        a: vec![1.0, 2.0],
        b: vec![3.0],
        scale: 0.0,
    };
    let lora = GgufLora { architecture: "llama".into(), name: None, pairs: vec![pair] };
    lora.write(folder.path().join("zero.gguf")).unwrap();
    let back = GgufLora::open(folder.path().join("zero.gguf")).unwrap();
    assert_eq!(delta(&back.pairs[0]), [0.0, 0.0]);
}

fn config(text: &str) -> Result<PeftConfig, String> {
    let file = Mapped::from_bytes("adapter_config.json", text.as_bytes().into());
    PeftConfig::parse(&file).map_err(|e| e.to_string())
}

#[test]
fn the_smallest_configuration_has_pefts_defaults() {
    let config = config(r#"{"peft_type":"LORA","target_modules":["q_proj"]}"#).unwrap();
    // LoraConfig of PEFT 0.21.2: r 8, lora_alpha 8.
    assert_eq!((config.rank, config.alpha, config.use_rslora), (8, 8.0, false));
}

#[test]
fn what_would_be_another_model_is_refused_by_name() {
    for (field, expected) in [
        (r#""use_dora":true"#, "\"use_dora\" true is not supported"),
        (r#""modules_to_save":["lm_head"]"#, "\"modules_to_save\" [\"lm_head\"] is not supported"),
        (r#""lora_bias":true"#, "\"lora_bias\" true is not supported"),
        (r#""bias":"all""#, "bias \"all\" is not supported"),
        (r#""layer_replication":[[0,2]]"#, "\"layer_replication\" [[0,2]] is not supported"),
        (r#""trainable_token_indices":[5]"#, "\"trainable_token_indices\" [5] is not supported"),
        (r#""target_parameters":["w"]"#, "\"target_parameters\""),
        (r#""alora_invocation_tokens":[1]"#, "\"alora_invocation_tokens\""),
        (r#""init_lora_weights":"pissa""#, "init_lora_weights \"pissa\" is not supported"),
        (r#""a_field_of_the_future":1.5"#, "\"a_field_of_the_future\" 1.5 is not supported"),
        (r#""peft_type":"IA3""#, "PEFT method \"IA3\" is not supported"),
        (r#""r":0"#, "field \"r\": expected a rank from 1 to 65536, found 0"),
        (r#""r":"8""#, "field \"r\": expected a rank from 1 to 65536, found \"8\""),
        (r#""lora_alpha":1e300"#, "field \"lora_alpha\": expected a number, found 1e+300"),
        (r#""use_rslora":"yes""#, "field \"use_rslora\": expected true or false, found \"yes\""),
        (r#""rank_pattern":{"a":-1}"#, "field \"rank_pattern, \\\"a\\\"\": expected a rank"),
        (r#""layers_to_transform":"1""#, "field \"layers_to_transform\": expected layer numbers"),
        (r#""target_modules":[1]"#, "field \"target_modules\": expected a list of names"),
    ] {
        let error = config(&format!(r#"{{"target_modules":["q"],{field}}}"#)).unwrap_err();
        assert!(error.contains(expected), "{error}\nlacks: {expected}");
    }
    assert!(config("{}").unwrap_err().contains("no field \"target_modules\""));
    assert!(config("[]").unwrap_err().contains("expected a JSON object, found []"));
    assert!(config("{").unwrap_err().contains("expected a JSON object"));
}

/// Weights and configuration that do not agree: PEFT would drop or refuse the weights.
#[test]
fn tensors_and_configuration_must_agree() {
    let weights = Mapped::open(golden("peft-patterns").join("adapter_model.safetensors")).unwrap();
    let good =
        std::fs::read_to_string(golden("peft-patterns").join("adapter_config.json")).unwrap();
    let parse = |text: &str| {
        let file = Mapped::from_bytes("adapter_config.json", text.as_bytes().into());
        PeftAdapter::parse(&file, weights.clone()).map_err(|e| e.to_string())
    };
    parse(&good).unwrap();
    for (from, to, expected) in [
        (
            "\"down_proj\": 3",
            "\"down_proj\": 4",
            "expected rank 4 as adapter_config.json says, found 3",
        ),
        ("\"q_proj\",\n", "\"k_proj\",\n", "a module that adapter_config.json names as a target"),
        (
            "\"layers_to_transform\": [\n    1,",
            "\"layers_to_transform\": [\n    0,",
            "names as a target",
        ),
        ("\"down_proj\": 3", "\"(\": 3", "pattern: expected a regular expression"),
    ] {
        assert!(good.contains(from), "{good}");
        let error = parse(&good.replace(from, to)).unwrap_err();
        assert!(error.contains(expected), "{error}\nlacks: {expected}");
    }
}

#[test]
fn other_gguf_files_are_not_adapters() {
    let error = GgufLora::open(golden("tiny.gguf")).unwrap_err().to_string();
    assert!(error.ends_with("no metadata key \"general.type\"; expected a string"), "{error}");
}
