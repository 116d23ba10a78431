//! The instruction set, chosen once at run time. Kernels ask [`Isa::current`]; nothing is decided when
//! the crate is compiled, and the portable path is always there.
//!
//! `GRIMOIRE_ISA=portable|avx2|avx512|avx512bf16` (or [`Isa::force`]) lowers the choice for a whole process, so that
//! every path can be run through every test on one machine. It can never raise it above what the
//! processor has.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

/// What the processor can do, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// No assumption beyond the compilation target's baseline.
    Portable,
    /// 256-bit vectors with fused multiply-add (AVX2, FMA and F16C).
    Avx2,
    /// 512-bit vectors with products of bytes (AVX-512 F, BW, DQ, VL and VNNI) on top of [`Isa::Avx2`]: Ice Lake
    /// and later. Earlier processors with AVX-512 lower their clock for it, and stay with AVX2.
    Avx512,
    /// Products of pairs of bf16 (AVX-512 BF16) on top of [`Isa::Avx512`]: Sapphire Rapids, Zen 4 and later.
    Avx512Bf16,
}

const UNSET: u8 = u8::MAX;
static CURRENT: AtomicU8 = AtomicU8::new(UNSET);

impl Isa {
    /// The best instruction set of this machine.
    pub fn detected() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni");
            match (avx2, avx512, is_x86_feature_detected!("avx512bf16")) {
                (true, true, true) => return Self::Avx512Bf16,
                (true, true, false) => return Self::Avx512,
                (true, false, _) => return Self::Avx2,
                _ => {}
            }
        }
        Self::Portable
    }

    /// The instruction set in force.
    pub fn current() -> Self {
        match CURRENT.load(Ordering::Relaxed) {
            0 => Self::Portable,
            1 => Self::Avx2,
            2 => Self::Avx512,
            3 => Self::Avx512Bf16,
            _ => {
                let wanted = std::env::var("GRIMOIRE_ISA").ok().and_then(|name| Self::named(&name));
                Self::force(wanted.unwrap_or(Self::Avx512Bf16))
            }
        }
    }

    /// Sets the instruction set for the process, lowered to what the machine has; returns what holds.
    pub fn force(wanted: Self) -> Self {
        let chosen = wanted.min(Self::detected());
        CURRENT.store(chosen as u8, Ordering::Relaxed);
        chosen
    }

    /// The instruction set of that name (`portable`, `avx2`, `avx512`, `avx512bf16`).
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "portable" => Some(Self::Portable),
            "avx2" => Some(Self::Avx2),
            "avx512" => Some(Self::Avx512),
            "avx512bf16" => Some(Self::Avx512Bf16),
            _ => None,
        }
    }

    /// Its name, as [`Isa::named`] reads it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Avx512Bf16 => "avx512bf16",
        }
    }

    /// Runs `check` with each instruction set of this machine in force, one after the other, and puts back
    /// what held before: for tests. The choice belongs to the whole process, so callers take turns.
    pub fn for_each_available(mut check: impl FnMut(Self)) {
        static TURN: Mutex<()> = Mutex::new(());
        struct Restore(Isa);
        impl Drop for Restore {
            fn drop(&mut self) {
                Isa::force(self.0);
            }
        }
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let _restore = Restore(Self::current());
        for isa in Self::available() {
            Self::force(isa);
            check(isa);
        }
    }

    /// Every instruction set that this machine can run, for tests.
    pub fn available() -> Vec<Self> {
        [Self::Portable, Self::Avx2, Self::Avx512, Self::Avx512Bf16]
            .into_iter()
            .filter(|isa| *isa <= Self::detected())
            .collect()
    }
}

/// Compiles a loop once per instruction set and picks at run time: the body is ordinary Rust over
/// slices, inlined into functions that enable the wider vectors. `FMA` is a constant inside the body.
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments, reason = "the same arguments as the function it implements")]
            fn body<const FMA: bool>($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma,f16c")]
                fn avx2($($arg: $ty),*) $(-> $ret)? { body::<true>($($arg),*) }
                #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512($($arg: $ty),*) $(-> $ret)? { body::<true>($($arg),*) }
                if $crate::isa::Isa::current() >= $crate::isa::Isa::Avx512 {
                    // SAFETY: the instruction set in force never exceeds what was detected.
                    return unsafe { avx512($($arg),*) };
                }
                if $crate::isa::Isa::current() >= $crate::isa::Isa::Avx2 {
                    // SAFETY: the instruction set in force never exceeds what was detected.
                    return unsafe { avx2($($arg),*) };
                }
            }
            body::<false>($($arg),*)
        }
    };
}
pub(crate) use multiversion;

/// `a·b + c`, fused where the instruction set has it.
#[inline(always)]
pub(crate) fn fma<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_forcing_never_exceeds_the_machine() {
        for isa in [Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Avx512Bf16] {
            assert_eq!(Isa::named(isa.name()), Some(isa));
        }
        assert_eq!(Isa::named("sse9"), None);
        assert!(Isa::available().contains(&Isa::Portable));
        assert!(Isa::available().iter().all(|isa| *isa <= Isa::detected()));
    }
}
