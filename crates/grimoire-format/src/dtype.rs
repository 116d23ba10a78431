//! The element types of tensors that are read and written here, with their GGUF numbers and sizes.
//! Only names and sizes: the crate that computes knows how to decode them.
//!
//! Source: `enum ggml_type` in `ggml.h`; safetensors README for the names of the float types.

/// The type in which the values of a tensor lie in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the variants are the names of the format")]
pub enum Dtype {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
    IQ4NL,
    IQ4XS,
    MXFP4,
}

/// Type, name, GGUF number, values per block, bytes per block.
const TABLE: [(Dtype, &str, u32, u64, u64); 16] = [
    (Dtype::F32, "F32", 0, 1, 4),
    (Dtype::F16, "F16", 1, 1, 2),
    (Dtype::BF16, "BF16", 30, 1, 2),
    (Dtype::Q4_0, "Q4_0", 2, 32, 18),
    (Dtype::Q4_1, "Q4_1", 3, 32, 20),
    (Dtype::Q5_0, "Q5_0", 6, 32, 22),
    (Dtype::Q5_1, "Q5_1", 7, 32, 24),
    (Dtype::Q8_0, "Q8_0", 8, 32, 34),
    (Dtype::Q2K, "Q2_K", 10, 256, 84),
    (Dtype::Q3K, "Q3_K", 11, 256, 110),
    (Dtype::Q4K, "Q4_K", 12, 256, 144),
    (Dtype::Q5K, "Q5_K", 13, 256, 176),
    (Dtype::Q6K, "Q6_K", 14, 256, 210),
    (Dtype::IQ4NL, "IQ4_NL", 20, 32, 18),
    (Dtype::IQ4XS, "IQ4_XS", 23, 256, 136),
    (Dtype::MXFP4, "MXFP4", 39, 32, 17),
];

/// GGUF types that exist, or once did, and are not read here: for the error that names them.
const OTHERS: [(u32, &str); 25] = [
    (4, "Q4_2"),
    (5, "Q4_3"),
    (9, "Q8_1"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (28, "F64"),
    (29, "IQ1_M"),
    (31, "Q4_0_4_4"),
    (32, "Q4_0_4_8"),
    (33, "Q4_0_8_8"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
    (36, "IQ4_NL_4_4"),
    (37, "IQ4_NL_4_8"),
    (40, "NVFP4"),
    (41, "Q1_0"),
];

impl Dtype {
    /// Every type.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> &'static (Self, &'static str, u32, u64, u64) {
        // The table is in the order of declaration; a test holds it to that.
        &TABLE[self as usize]
    }

    /// The name that GGUF tools print: `Q4_1`, `Q4_K`, `BF16`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The number of the type in a GGUF file.
    #[must_use]
    pub fn ggml_code(self) -> u32 {
        self.row().2
    }

    /// Values per block: 1, 32 or 256.
    #[must_use]
    pub fn block_len(self) -> u64 {
        self.row().3
    }

    /// Bytes per block.
    #[must_use]
    pub fn block_bytes(self) -> u64 {
        self.row().4
    }

    /// The type with this number, where it is read here.
    #[must_use]
    pub fn from_ggml(code: u32) -> Option<Self> {
        TABLE.iter().find(|row| row.2 == code).map(|row| row.0)
    }

    /// The type with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// What to call a GGUF type number in an error.
    pub(crate) fn describe_ggml(code: u32) -> String {
        let known = OTHERS.iter().find(|other| other.0 == code).map(|other| other.1);
        match Self::from_ggml(code).map(Self::name).or(known) {
            Some(name) => format!("tensor type {name} ({code})"),
            None => format!("tensor type number {code}"),
        }
    }

    /// Bytes that `values` values take, `None` when they are not whole blocks or it overflows.
    #[must_use]
    pub fn bytes_for(self, values: u64) -> Option<u64> {
        if !values.is_multiple_of(self.block_len()) {
            return None;
        }
        (values / self.block_len()).checked_mul(self.block_bytes())
    }
}

impl std::fmt::Display for Dtype {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_declaration() {
        for dtype in Dtype::all() {
            assert_eq!(dtype.row().0, dtype);
            assert_eq!(Dtype::from_ggml(dtype.ggml_code()), Some(dtype));
            assert_eq!(Dtype::from_name(dtype.name()), Some(dtype));
            assert!(OTHERS.iter().all(|other| other.0 != dtype.ggml_code()));
        }
    }

    /// Sizes and numbers as recorded from the `gguf` package (golden/storage/make.py).
    #[test]
    fn sizes_are_those_of_the_gguf_package() {
        let golden: serde_json::Value = grimoire_testkit::golden::read("storage/blocks.json.gz");
        for dtype in Dtype::all() {
            let sizes = &golden["sizes"][dtype.name()];
            assert_eq!(sizes["code"], dtype.ggml_code());
            assert_eq!(sizes["block_len"], dtype.block_len());
            assert_eq!(sizes["block_bytes"], dtype.block_bytes());
        }
    }
}
