//! Layers, losses, optimisers, schedules, parameter paths and named activations.
