//! Hostile bytes: no panic, no memory taken on the word of a header, and an error that names place
//! and expectation.

use crate::golden;
use grimoire_format::Mapped;
use grimoire_format::gguf::Gguf;
use grimoire_format::safetensors::{SafeTensors, check_index};
use proptest::prelude::*;

/// Everything that a caller may do with an opened file.
fn use_gguf(bytes: Vec<u8>) -> Result<(), String> {
    let file = Gguf::parse(Mapped::from_bytes("hostile", bytes)).map_err(|e| e.to_string())?;
    let meta = file.metadata();
    for key in meta.keys() {
        let _ = (meta.get(key), meta.optional::<u32>(key), meta.optional::<f32>(key));
        let _ = (meta.optional::<Vec<&str>>(key), meta.optional::<Vec<f32>>(key));
        let _ = meta.optional::<Vec<i32>>(key).map_err(|e| e.to_string());
    }
    for tensor in file.tensors() {
        let _ = (tensor.bytes().len(), tensor.to_f32().map(|v| v.len()));
        assert!(tensor.len() <= file.file().bytes().len() * 4);
    }
    Ok(())
}

fn use_safetensors(bytes: Vec<u8>) -> Result<(), String> {
    let file =
        SafeTensors::parse(Mapped::from_bytes("hostile", bytes)).map_err(|e| e.to_string())?;
    for tensor in file.tensors() {
        let _ = (tensor.bytes().len(), tensor.to_f32().map(|v| v.len()));
    }
    Ok(())
}

/// The most address space this process has ever taken, in KiB (Linux); 0 where it cannot be told.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Cuts at every length, which must be noticed unless it takes only the last `padding` bytes, and
/// sets every byte of the first `head` to several values.
fn mutate(name: &str, head: usize, padding: usize, parse: fn(Vec<u8>) -> Result<(), String>) {
    let bytes = std::fs::read(golden(name)).unwrap();
    parse(bytes.clone()).unwrap();
    let before = peak_kib();
    for length in 0..bytes.len() {
        let cut = parse(bytes[..length].to_vec());
        assert!(
            cut.is_err() || length + padding >= bytes.len(),
            "cut at {length} of {}",
            bytes.len()
        );
    }
    for at in 0..head.min(bytes.len()) {
        for value in [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1, bytes[at].wrapping_add(1), b'"', b'9']
        {
            let mut mutated = bytes.clone();
            mutated[at] = value;
            let _ = parse(mutated);
        }
    }
    // A header that was believed would ask for terabytes.
    assert!(peak_kib() - before < 1 << 20, "address space grew by over 1 GiB");
}

#[test]
fn gguf_cut_or_flipped_anywhere() {
    mutate("tiny.gguf", 4096, 4, use_gguf);
}

#[test]
fn safetensors_cut_or_flipped_anywhere() {
    mutate("tiny.safetensors", 4096, 0, use_safetensors);
}

/// The bytes of a GGUF file that was put together by hand.
#[derive(Clone)]
struct Crafted(Vec<u8>);

impl Crafted {
    fn new(version: u32, tensors: u64, pairs: u64) -> Self {
        Self(b"GGUF".to_vec()).u32(version).u64(tensors).u64(pairs)
    }
    fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }
    fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }
    fn text(self, text: &str) -> Self {
        let mut it = self.u64(text.len() as u64);
        it.0.extend(text.as_bytes());
        it
    }
    fn tensor(self, name: &str, dimensions: &[u64], code: u32, offset: u64) -> Self {
        let start = self.text(name).u32(dimensions.len() as u32);
        dimensions.iter().fold(start, |it, d| it.u64(*d)).u32(code).u64(offset)
    }
    fn data(mut self, bytes: usize) -> Self {
        self.0.resize(self.0.len().next_multiple_of(32) + bytes, 0);
        self
    }
    fn fails(self, expected: &str) {
        let error = use_gguf(self.0).unwrap_err();
        assert!(error.starts_with("hostile: "), "{error}");
        assert!(error.contains(expected), "{error}\nlacks: {expected}");
    }
}

#[test]
fn crafted_gguf_is_refused_with_the_place_and_the_expectation() {
    let one = |dimensions: &[u64], code, offset| {
        Crafted::new(3, 1, 0).tensor("w", dimensions, code, offset).data(128)
    };
    use_gguf(one(&[32], 0, 0).0).unwrap();
    Crafted(b"GGML".to_vec()).u32(3).fails("byte 0, magic: expected \"GGUF\", found \"GGML\"");
    Crafted::new(1, 0, 0).fails("GGUF version 1 is not supported");
    Crafted::new(4, 0, 0).fails("version: expected 2 or 3, found 4");
    Crafted::new(3_u32.swap_bytes(), 0, 0).fails("big-endian GGUF (version 3) is not supported");
    Crafted::new(3, u64::MAX, 0).fails("number of tensors: expected at most");
    Crafted::new(3, 0, 1 << 60).fails("number of metadata pairs: expected at most");
    Crafted::new(3, 0, 1).u64(1 << 40).u64(0).fails("expected a string of at most 65535 bytes");
    Crafted::new(3, 0, 1).text("k").u32(13).u64(0).fails("expected a value type from 0 to 12");
    Crafted::new(3, 0, 1).text("k").u32(8).u64(1 << 50).fails("expected 1125899906842624 bytes");
    Crafted::new(3, 0, 1)
        .text("k")
        .u32(9)
        .u32(4)
        .u64(1 << 61)
        .fails("array length: expected at most");
    Crafted::new(3, 0, 1).text("k").u32(9).u32(8).u64(0).u32(0).data(0).fails_not();
    let nested = (0..6).fold(Crafted::new(3, 0, 1).text("k").u32(9), |it, _| it.u32(9).u64(1));
    nested.data(64).fails("arrays nested at most 4 deep");
    let twice = Crafted::new(3, 0, 2).text("k").u32(4).u32(1).text("k").u32(4).u32(2);
    twice.fails("metadata key \"k\": expected each key once");
    Crafted::new(3, 0, 1).text("general.alignment").u32(4).u32(48).fails("expected a power of two");
    Crafted::new(3, 0, 1)
        .text("split.count")
        .u32(4)
        .u32(3)
        .fails("a model split into 3 GGUF files");
    one(&[1; 5], 0, 0).fails("expected at most 4 dimensions, found 5");
    one(&[32, 0], 0, 0).fails("expected dimensions above 0, found 0");
    one(&[33], 3, 0).fails("expected rows of whole Q4_1 blocks of 32 values, found rows of 33");
    one(&[u64::MAX / 4, u64::MAX / 4], 0, 0).fails("expected a size that fits 64 bits");
    one(&[32], 16, 0).fails("tensor type IQ2_XXS (16) of tensor \"w\" is not supported");
    one(&[32], 99, 0).fails("tensor type number 99 of tensor \"w\" is not supported");
    one(&[32], 0, 8).fails("expected an offset that is a multiple of 32, found 8");
    one(&[33], 0, 0).fails("expected 132 bytes of data at offset 0, found 128 bytes of data");
    one(&[1], 0, u64::MAX - 31).fails("bytes of data in the file");
    let two = |offset| {
        Crafted::new(3, 2, 0).tensor("a", &[16], 0, 0).tensor("b", &[8], 0, offset).data(128)
    };
    use_gguf(two(64).0).unwrap();
    two(32).fails("tensor \"b\": expected data after byte");
    let same = Crafted::new(3, 2, 0).tensor("a", &[8], 0, 0).tensor("a", &[8], 0, 32).data(128);
    same.fails("tensor \"a\": expected each name once");
}

impl Crafted {
    /// An empty array of strings is well formed.
    fn fails_not(self) {
        use_gguf(self.0).unwrap();
    }
}

fn with_header(header: &str, data: usize) -> Result<(), String> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    use_safetensors(bytes)
}

#[test]
fn crafted_safetensors_are_refused_with_the_place_and_the_expectation() {
    let a = r#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;
    with_header(&format!("{{{a}}}"), 8).unwrap();
    let big = u64::MAX.to_string();
    for (header, data, expected) in [
        (format!("{{{a}}}"), 9, "end: expected 8 bytes of data as the header says, found 9"),
        (format!("{{{a}}}"), 7, "expected data up to byte 8, found 7 bytes of data"),
        (format!(" {{{a}}}"), 8, "header: expected '{', found byte 0x20"),
        (format!("{{{a},{a}}}"), 8, "duplicate key \"a\""),
        (format!("{{{a}"), 8, "expected a map of names to tensors"),
        (format!("{{{a},\"__metadata__\":{{\"x\":1}}}}"), 8, "expected a string"),
        (format!("{{{a},\"__metadata__\":{{\"x\":\"\",\"x\":\"\"}}}}"), 8, "duplicate key \"x\""),
        (
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#.into(),
            12,
            "a hole, from byte 4",
        ),
        (
            format!(r#"{{{a},"b":{{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}}}"#),
            8,
            "expected data from byte 8, found an overlap, from byte 4",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#.into(),
            8,
            "tensor \"a\": expected 12 bytes for F32 [3], found bytes 0 to 8",
        ),
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,0]}}"#.into(), 0, "expected 8 bytes"),
        (
            r#"{"a":{"dtype":"Q9","shape":[2],"data_offsets":[0,8]}}"#.into(),
            8,
            "a known element type",
        ),
        (
            format!(r#"{{"a":{{"dtype":"F32","shape":[{big},{big}],"data_offsets":[0,8]}}}}"#),
            8,
            "expected a size in whole bytes that fits 64 bits",
        ),
        (r#"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}"#.into(), 1, "whole bytes"),
        (
            r#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#.into(),
            8,
            "header: expected",
        ),
        (format!("{{\"a\":{}", "[".repeat(100_000)), 8, "header: expected"),
    ] {
        let error = with_header(&header, data).unwrap_err();
        assert!(error.contains(expected), "{error}\nlacks: {expected}");
    }
    let error = use_safetensors(u64::MAX.to_le_bytes().to_vec()).unwrap_err();
    assert!(error.contains("header length: expected at most 100000000 bytes"), "{error}");
    let error = use_safetensors(99_u64.to_le_bytes().to_vec()).unwrap_err();
    assert!(error.contains("header: expected 99 bytes, found 0"), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = use_gguf(bytes.clone());
        let mut gguf = b"GGUF\x03\0\0\0".to_vec();
        gguf.extend(&bytes);
        let _ = use_gguf(gguf);
        let _ = use_safetensors(bytes.clone());
        let _ = check_index(bytes);
    }

    #[test]
    fn several_flips_of_a_good_file(flips in prop::collection::vec((0_usize..1200, any::<u8>()), 1..6)) {
        let mut bytes = std::fs::read(golden("tiny.gguf")).unwrap();
        for (at, value) in flips {
            let length = bytes.len();
            bytes[at % length] = value;
        }
        let _ = use_gguf(bytes);
    }
}
