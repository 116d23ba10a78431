//! Fetches models from a Hugging Face hub into the standard cache: the only code that opens a socket.
