//! Text metrics, tagging metrics, perplexity from log-probabilities, intervals and paired tests.
