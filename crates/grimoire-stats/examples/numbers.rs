//! Prints numbers without end of memory: `numbers COUNT` writes COUNT decimals of seven digits between 0 and 1, one a
//! line, ten bytes each, for measuring what reads them.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let count = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(1_000_000_u64);
    let mut out = std::io::BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let (mut state, mut line) = (1_u64, *b"0.0000000\n");
    for _ in 0..count {
        // Knuth's MMIX generator: cheap, so that printing is not what is measured.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut digits = ((state >> 33) as u32) % 9_999_999 + 1;
        for place in line[2..9].iter_mut().rev() {
            *place = b'0' + (digits % 10) as u8;
            digits /= 10;
        }
        out.write_all(&line)?;
    }
    out.flush()
}
