//! The codecs against the bits recorded from the `gguf` package (golden/storage/make.py).

use super::*;
use serde_json::Value;

fn golden() -> Value {
    grimoire_testkit::golden::read("storage/blocks.json.gz")
}

fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap().as_bytes();
    text.as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
}

/// Equal bits, or both NaN.
fn same(actual: &[f32], expected: &[f32], what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (index, (a, e)) in actual.iter().zip(expected).enumerate() {
        assert!(
            a.to_bits() == e.to_bits() || a.is_nan() && e.is_nan(),
            "{what} value {index}: {a:?} ({:#010x}) is not {e:?} ({:#010x})",
            a.to_bits(),
            e.to_bits()
        );
    }
}

#[test]
fn decodes_every_type_to_the_recorded_bits() {
    let golden = golden();
    for ty in StorageType::ALL {
        let case = &golden["decode"][ty.name()];
        let (bytes, expected) = (hex(&case["bytes"]), floats(&hex(&case["values"])));
        let mut values = vec![f32::NAN; expected.len()];
        decode(ty, &bytes, &mut values);
        same(&values, &expected, ty.name());
        values.fill(f32::NAN);
        decode_here(ty, &bytes, &mut values);
        same(&values, &expected, &format!("{ty} portable"));
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn every_instruction_set_present_gives_the_same_bits() {
    let golden = golden();
    for ty in StorageType::ALL {
        let case = &golden["decode"][ty.name()];
        let (bytes, expected) = (hex(&case["bytes"]), floats(&hex(&case["values"])));
        let mut values = vec![0.0; expected.len()];
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the feature is present.
            unsafe { decode_avx2(ty, &bytes, &mut values) };
            same(&values, &expected, &format!("{ty} avx2"));
        }
    }
}

#[test]
fn encodes_to_the_recorded_bytes() {
    let golden = golden();
    let mut encodable = 0;
    for ty in [F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1] {
        let case = &golden["encode"][ty.name()];
        let (values, expected) = (floats(&hex(&case["values"])), hex(&case["bytes"]));
        let mut bytes = vec![0; expected.len()];
        encode(ty, &values, &mut bytes).unwrap();
        for (index, (a, e)) in
            bytes.chunks(ty.block_bytes()).zip(expected.chunks(ty.block_bytes())).enumerate()
        {
            assert_eq!(a, e, "{ty} block {index}");
        }
        encodable += 1;
    }
    assert_eq!(encodable, golden["encode"].as_object().unwrap().len());
}

/// What is left of the values after encoding, against llama.cpp's own encoder on the same rows
/// (`golden/storage/k_quants.py`): never more, in the mean square, than is left there.
#[test]
fn k_types_come_as_near_as_llama_cpp() {
    let golden: Value = grimoire_testkit::golden::read("storage/k_quants.json.gz");
    for (name, case) in golden["cases"].as_object().unwrap() {
        let mut values = vec![0.0; hex(&case["f16"]).len() / 2];
        decode(F16, &hex(&case["f16"]), &mut values);
        for ty in [Q2K, Q3K, Q4K, Q5K, Q6K] {
            let mut bytes = vec![0; ty.bytes_for(values.len()).unwrap()];
            encode(ty, &values, &mut bytes).unwrap();
            let mut back = vec![0.0; values.len()];
            decode(ty, &bytes, &mut back);
            let off = back.iter().zip(&values).map(|(a, e)| f64::from(a - e).powi(2));
            let ours = off.sum::<f64>() / values.len() as f64;
            let theirs = case["mean_square"][ty.name()].as_f64().unwrap();
            assert!(ours <= theirs, "{name} {ty}: {ours:e} is more than {theirs:e}");
            println!("{name} {ty}: {:.3} of llama.cpp's", ours / theirs);
        }
    }
}

/// Blocks of one value, of zeros, and of values that no scale in f16 reaches.
#[test]
fn k_types_take_blocks_without_a_spread() {
    for ty in [Q2K, Q3K, Q4K, Q5K, Q6K] {
        for value in [0.0, 0.75, -0.75, 1e-9, -1e-9] {
            let mut bytes = vec![0; ty.block_bytes()];
            encode(ty, &[value; 256], &mut bytes).unwrap();
            let mut back = vec![f32::NAN; 256];
            decode(ty, &bytes, &mut back);
            // One factor in f16: 2^-11; what is too small for its steps of 2^-24 becomes zero.
            let close = |b: &f32| (b - value).abs() <= value.abs() / 1024.0 + 2e-9;
            assert!(back.iter().all(close), "{ty} {value}: {}", back[0]);
        }
    }
}

#[test]
fn sizes_and_codes_are_those_of_the_package() {
    let golden = golden();
    for ty in StorageType::ALL {
        let sizes = &golden["sizes"][ty.name()];
        assert_eq!(sizes["code"], ty.ggml_code(), "{ty}");
        assert_eq!(sizes["block_len"], ty.block_len(), "{ty}");
        assert_eq!(sizes["block_bytes"], ty.block_bytes(), "{ty}");
        assert_eq!(StorageType::from_ggml(ty.ggml_code()), Some(ty));
        assert_eq!(ty.bytes_for(ty.block_len() * 3), Some(ty.block_bytes() * 3));
    }
    // 4 and 5 were Q4_2 and Q4_3, long removed; 9 is Q8_1, never a weight; 34 is TQ1_0.
    for code in [4, 5, 9, 15, 16, 24, 28, 34, 40, u32::MAX] {
        assert_eq!(StorageType::from_ggml(code), None);
    }
    assert_eq!(Q4_1.bytes_for(33), None);
    assert_eq!(F32.bytes_for(usize::MAX), None);
}

#[test]
fn refuses_to_write_a_type_it_can_only_read() {
    let error = encode(IQ4NL, &[0.0; 32], &mut [0; 18]).unwrap_err();
    assert!(error.to_string().contains("IQ4_NL"), "{error}");
}

proptest::proptest! {
    /// What was decoded from a Q8_0, Q4_0 or Q4_1 block encodes to a block that decodes within one
    /// step of it: encoding is a projection up to the rounding of the scale to f16.
    #[test]
    fn coding_error_is_at_most_a_step(values in proptest::collection::vec(-4.0_f32..4.0, 32)) {
        for (ty, steps) in [(Q8_0, 254.0), (Q4_0, 16.0), (Q4_1, 15.0)] {
            let mut bytes = vec![0; ty.block_bytes()];
            encode(ty, &values, &mut bytes).unwrap();
            let mut back = vec![0.0; 32];
            decode(ty, &bytes, &mut back);
            let span = 2.0 * values.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
            for (a, e) in back.iter().zip(&values) {
                // One step, plus the rounding of scale and minimum to f16 (relative 2^-11).
                proptest::prop_assert!((a - e).abs() <= span / steps + span / 1024.0);
            }
        }
    }
}

#[test]
fn halving_is_encoding_as_bf16_on_every_instruction_set() {
    let values: Vec<f32> = (0..4099u32)
        .map(|i| f32::from_bits(i.wrapping_mul(2_654_435_761)))
        .filter(|value| value.is_finite())
        .chain([0.0, -0.0, 1.003_906_3, f32::INFINITY, f32::NEG_INFINITY])
        .collect();
    let mut bytes = vec![0; 2 * values.len()];
    encode(StorageType::BF16, &values, &mut bytes).unwrap();
    let expected: Vec<u16> =
        bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    crate::Isa::for_each_available(|_| {
        let mut halves = vec![0; values.len()];
        halve(&values, &mut halves);
        assert_eq!(halves.iter().map(|half| u16::from_le(*half)).collect::<Vec<_>>(), expected);
        let mut nan = [0];
        halve(&[f32::NAN], &mut nan);
        assert!(f32::from_bits(u32::from(u16::from_le(nan[0])) << 16).is_nan());
    });
}
