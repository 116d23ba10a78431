//! Data schemas, packing, the training loop, adapters and checkpoints.
