//! The repository's own chores, run as `cargo xtask <chore>`.
//! It checks and remakes things; it never ships.

fn main() -> anyhow::Result<()> {
    anyhow::bail!("no chore of that name")
}
