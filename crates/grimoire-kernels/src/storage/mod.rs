//! How frozen weights lie in memory: plain floats, halves and the block types of GGUF.
//!
//! A row of weights is a whole number of blocks; a block of a quantised type holds 32 or 256 small
//! integers and the scales that turn them back into numbers. Decoding gives, to the bit, what the
//! `gguf` Python package (0.19.0) gives; only the payload of a NaN is left open. Decoders have no
//! branch on the data and work on arrays of fixed length, so that the compiler turns them into
//! vector code for whatever instruction set they are inlined into.
//!
//! Not here: matrix products over these types, and the reading of files.
//!
//! Sources: the GGUF specification and the layouts in `ggml-common.h`; OCP Microscaling Formats
//! v1.0 for MXFP4.

mod block32;
mod float;
pub(crate) mod lookup;
mod superblock;
mod superblock_encode;

/// A storage type of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StorageType {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary16.
    F16,
    /// The upper half of a binary32.
    BF16,
    /// 32 values of 4 bits, one scale: `d·(q − 8)`.
    Q4_0,
    /// 32 values of 4 bits, scale and minimum: `d·q + m`.
    Q4_1,
    /// 32 values of 5 bits, one scale: `d·(q − 16)`.
    Q5_0,
    /// 32 values of 5 bits, scale and minimum: `d·q + m`.
    Q5_1,
    /// 32 values of 8 bits, one scale: `d·q`.
    Q8_0,
    /// 256 values of 2 bits in 16 groups, scale and minimum of each in 4 bits.
    Q2K,
    /// 256 values of 3 bits in 16 groups, the scale of each in 6 bits.
    Q3K,
    /// 256 values of 4 bits in 8 groups, scale and minimum of each in 6 bits.
    Q4K,
    /// 256 values of 5 bits in 8 groups, scale and minimum of each in 6 bits.
    Q5K,
    /// 256 values of 6 bits in 16 groups, the scale of each in 8 bits.
    Q6K,
    /// 32 values from a table of 16, one scale.
    IQ4NL,
    /// 256 values from a table of 16 in 8 groups, the scale of each in 6 bits.
    IQ4XS,
    /// 32 values of E2M1 with a shared power of two.
    MXFP4,
}

use StorageType::*;

impl StorageType {
    /// Every type, in the order of declaration.
    pub const ALL: [Self; 16] = [
        F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K, IQ4NL, IQ4XS, MXFP4,
    ];

    /// Values per block (1, 32 or 256).
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self {
            F32 | F16 | BF16 => 1,
            Q4_0 | Q4_1 | Q5_0 | Q5_1 | Q8_0 | IQ4NL | MXFP4 => 32,
            Q2K | Q3K | Q4K | Q5K | Q6K | IQ4XS => 256,
        }
    }

    /// Bytes per block.
    #[must_use]
    pub const fn block_bytes(self) -> usize {
        match self {
            F32 => 4,
            F16 | BF16 => 2,
            Q4_0 | IQ4NL => 18,
            Q4_1 => 20,
            Q5_0 => 22,
            Q5_1 => 24,
            Q8_0 => 34,
            Q2K => 84,
            Q3K => 110,
            Q4K => 144,
            Q5K => 176,
            Q6K => 210,
            IQ4XS => 136,
            MXFP4 => 17,
        }
    }

    /// The name GGUF tools use, such as `Q4_1` or `Q4_K`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            F32 => "F32",
            F16 => "F16",
            BF16 => "BF16",
            Q4_0 => "Q4_0",
            Q4_1 => "Q4_1",
            Q5_0 => "Q5_0",
            Q5_1 => "Q5_1",
            Q8_0 => "Q8_0",
            Q2K => "Q2_K",
            Q3K => "Q3_K",
            Q4K => "Q4_K",
            Q5K => "Q5_K",
            Q6K => "Q6_K",
            IQ4NL => "IQ4_NL",
            IQ4XS => "IQ4_XS",
            MXFP4 => "MXFP4",
        }
    }

    /// The number of the type in a GGUF file.
    #[must_use]
    pub const fn ggml_code(self) -> u32 {
        match self {
            F32 => 0,
            F16 => 1,
            Q4_0 => 2,
            Q4_1 => 3,
            Q5_0 => 6,
            Q5_1 => 7,
            Q8_0 => 8,
            Q2K => 10,
            Q3K => 11,
            Q4K => 12,
            Q5K => 13,
            Q6K => 14,
            IQ4NL => 20,
            IQ4XS => 23,
            BF16 => 30,
            MXFP4 => 39,
        }
    }

    /// The type with this number in a GGUF file, where it is one of ours.
    #[must_use]
    pub fn from_ggml(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|ty| ty.ggml_code() == code)
    }

    /// Bytes that `values` values take: whole blocks, so `None` when they do not divide into blocks
    /// or the product does not fit.
    #[must_use]
    pub const fn bytes_for(self, values: usize) -> Option<usize> {
        if !values.is_multiple_of(self.block_len()) {
            return None;
        }
        (values / self.block_len()).checked_mul(self.block_bytes())
    }

    /// Whether [`encode`] can write this type.
    #[must_use]
    pub const fn is_encodable(self) -> bool {
        !matches!(self, IQ4NL | IQ4XS | MXFP4)
    }
}

impl std::fmt::Display for StorageType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Decodes whole blocks: `bytes` of type `ty` to `values`. Uses the widest instruction set present;
/// the bits do not depend on it.
///
/// # Panics
/// When `bytes` is not exactly `ty.bytes_for(values.len())` long: callers check files before.
pub fn decode(ty: StorageType, bytes: &[u8], values: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
        {
            // SAFETY: the processor has just been asked for these three features.
            return unsafe { decode_avx512(ty, bytes, values) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has just been asked for this feature.
            return unsafe { decode_avx2(ty, bytes, values) };
        }
    }
    decode_here(ty, bytes, values);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn decode_avx512(ty: StorageType, bytes: &[u8], values: &mut [f32]) {
    decode_here(ty, bytes, values);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn decode_avx2(ty: StorageType, bytes: &[u8], values: &mut [f32]) {
    decode_here(ty, bytes, values);
}

/// [`decode`] without the choice of instruction set: inlined into the caller and compiled for the
/// features the caller was compiled for. For packing loops that made the choice themselves.
///
/// # Panics
/// As [`decode`].
#[inline(always)]
pub fn decode_here(ty: StorageType, bytes: &[u8], values: &mut [f32]) {
    assert_eq!(
        ty.bytes_for(values.len()),
        Some(bytes.len()),
        "decode {ty}: {} values do not lie in {} bytes",
        values.len(),
        bytes.len()
    );
    match ty {
        F32 => each(bytes, values, float::f32_decode),
        F16 => each(bytes, values, float::f16_decode),
        BF16 => each(bytes, values, float::bf16_decode),
        Q4_0 => each(bytes, values, block32::q4_0_decode),
        Q4_1 => each(bytes, values, block32::q4_1_decode),
        Q5_0 => each(bytes, values, block32::q5_0_decode),
        Q5_1 => each(bytes, values, block32::q5_1_decode),
        Q8_0 => each(bytes, values, block32::q8_0_decode),
        Q2K => each(bytes, values, superblock::q2_k_decode),
        Q3K => each(bytes, values, superblock::q3_k_decode),
        Q4K => each(bytes, values, superblock::q4_k_decode),
        Q5K => each(bytes, values, superblock::q5_k_decode),
        Q6K => each(bytes, values, superblock::q6_k_decode),
        IQ4NL => each(bytes, values, lookup::iq4_nl_decode),
        IQ4XS => each(bytes, values, lookup::iq4_xs_decode),
        MXFP4 => each(bytes, values, lookup::mxfp4_decode),
    }
}

crate::isa::multiversion! {
    /// Rounds finite `values` to the nearest bf16, ties to even: what [`encode`] writes, for values that come
    /// and go within a computation. NaN stays NaN.
    ///
    /// # Panics
    /// When the two differ in length.
    pub fn halve(values: &[f32], halves: &mut [u16]) {
        assert_eq!(values.len(), halves.len(), "halve: lengths differ");
        for (half, value) in halves.iter_mut().zip(values) {
            let bits = value.to_bits();
            let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
            let kept = if value.is_nan() { bits | 0x0040_0000 } else { rounded };
            *half = ((kept >> 16) as u16).to_le();
        }
        let _ = FMA;
    }
}

/// A type that [`encode`] cannot write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotEncodable(
    /// The type asked for.
    pub StorageType,
);

impl std::fmt::Display for NotEncodable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "encode: storage type {} can be read but not written; every other type can be written",
            self.0
        )
    }
}

impl std::error::Error for NotEncodable {}

/// Encodes finite `values` as whole blocks of type `ty`, giving the bytes that the `gguf` package gives; for the K
/// types, which it does not encode, those that our own search finds. A value beyond the range of f16 becomes infinite
/// in a type that stores f16, and so does a block whose scale is beyond it.
///
/// # Errors
/// [`NotEncodable`] for a type that can only be read.
///
/// # Panics
/// When `bytes` is not exactly `ty.bytes_for(values.len())` long.
pub fn encode(ty: StorageType, values: &[f32], bytes: &mut [u8]) -> Result<(), NotEncodable> {
    assert_eq!(
        ty.bytes_for(values.len()),
        Some(bytes.len()),
        "encode {ty}: {} values do not lie in {} bytes",
        values.len(),
        bytes.len()
    );
    match ty {
        F32 => each_encoded(values, bytes, float::f32_encode),
        F16 => each_encoded(values, bytes, float::f16_encode),
        BF16 => each_encoded(values, bytes, float::bf16_encode),
        Q8_0 => each_encoded(values, bytes, block32::q8_0_encode),
        Q4_0 => each_encoded(values, bytes, block32::q4_0_encode),
        Q4_1 => each_encoded(values, bytes, block32::q4_1_encode),
        Q5_0 => each_encoded(values, bytes, block32::q5_0_encode),
        Q5_1 => each_encoded(values, bytes, block32::q5_1_encode),
        Q2K => each_encoded(values, bytes, superblock_encode::q2_k_encode),
        Q3K => each_encoded(values, bytes, superblock_encode::q3_k_encode),
        Q4K => each_encoded(values, bytes, superblock_encode::q4_k_encode),
        Q5K => each_encoded(values, bytes, superblock_encode::q5_k_encode),
        Q6K => each_encoded(values, bytes, superblock_encode::q6_k_encode),
        IQ4NL | IQ4XS | MXFP4 => return Err(NotEncodable(ty)),
    }
    Ok(())
}

/// Calls `block` for each block of `B` bytes and the `V` values it decodes to.
#[inline(always)]
fn each<const B: usize, const V: usize>(
    bytes: &[u8],
    values: &mut [f32],
    block: impl Fn(&[u8; B], &mut [f32; V]),
) {
    for (encoded, decoded) in bytes.as_chunks().0.iter().zip(values.as_chunks_mut().0) {
        block(encoded, decoded);
    }
}

/// Calls `block` for each block of `V` values and the `B` bytes it encodes to.
fn each_encoded<const B: usize, const V: usize>(
    values: &[f32],
    bytes: &mut [u8],
    block: impl Fn(&[f32; V], &mut [u8; B]),
) {
    for (decoded, encoded) in values.as_chunks().0.iter().zip(bytes.as_chunks_mut().0) {
        block(decoded, encoded);
    }
}

#[cfg(test)]
mod tests;
