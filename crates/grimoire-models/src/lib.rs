//! Model architectures, checkpoint name maps, the key-value cache and generation.
