//! Tokenizers, chat templates, normalisation and n-grams.
