//! GGUF, safetensors and adapter files: the boundary to hostile bytes.
