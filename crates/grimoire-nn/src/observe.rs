//! Named activations. A model tells an observer of each intermediate value under a stable dotted name;
//! nobody listening costs nothing: the name is not even made.

use grimoire_tensor::Tensor;

/// Listens to activations as they are computed.
pub trait Observer {
    /// Whether anyone listens; when false, [`Observer::see`] is not called.
    fn listens(&self) -> bool;
    /// An activation: its name, such as `blocks.3.resid_pre`, and its value `[position, width]`.
    fn see(&mut self, name: &str, value: &Tensor);
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn listens(&self) -> bool {
        false
    }

    fn see(&mut self, _name: &str, _value: &Tensor) {}
}
