//! One operation under test: what runs it, what defines it, and the comparison of the two.

use grimoire_kernels::Isa;
use grimoire_tensor::{Gradients, ParamId, Params, Tape, Tensor};
pub(crate) use grimoire_testkit::values;
use grimoire_testkit::{all_close, close};

/// Arrays in f64.
pub(crate) type Arrays = Vec<Vec<f64>>;
type Run = Box<dyn Fn(&Tape<'_>, &[Tensor]) -> Tensor + Sync>;
type Definition = Box<dyn Fn(&Arrays, &Arrays) -> Vec<f64> + Sync>;

/// An operation with parameters and inputs, and its definition from the values of both.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) params: Params,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) run: Run,
    pub(crate) definition: Definition,
    /// Bound on the forward pass: `forward · (1 + |exact|)`.
    pub(crate) forward: f64,
    /// Bound on gradients, in the same way.
    pub(crate) backward: f64,
}

/// Coordinates of an array whose slope is taken; each costs two runs of the definition.
const PROBES: usize = 24;

/// A tensor of such values.
pub(crate) fn tensor(shape: &[usize], seed: u64) -> Tensor {
    Tensor::new(shape, values(shape.iter().product(), seed))
}

pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|x| f64::from(*x)).collect()
}

struct Outcome {
    output: Vec<f32>,
    params: Vec<Vec<f32>>,
    inputs: Vec<Vec<f32>>,
}

impl Outcome {
    fn bits(&self) -> Vec<u32> {
        let all = self.params.iter().chain(&self.inputs).flatten();
        self.output.iter().chain(all).map(|x| x.to_bits()).collect()
    }
}

fn parameter_values(params: &Params) -> Arrays {
    params.iter().map(|param| wide(param.values)).collect()
}

impl Case {
    /// Runs forward and backward with the gradient `seed` of the output.
    fn outcome(&self, seed: &[f32]) -> Outcome {
        let tape = Tape::new(&self.params);
        let inputs: Vec<Tensor> = self.inputs.iter().map(|input| tape.track(input)).collect();
        let output = (self.run)(&tape, &inputs);
        let values = output.values().to_vec();
        let mut gradients = Gradients::zeros(&self.params);
        let mut inputs = tape.backward(&output, seed.to_vec(), &mut gradients);
        for (gradient, input) in inputs.iter_mut().zip(&self.inputs) {
            gradient.resize(input.values().len(), 0.0);
        }
        let ids: Vec<ParamId> = self.params.iter().map(|param| param.id).collect();
        let params = ids.into_iter().map(|id| gradients.of(id).to_vec()).collect();
        Outcome { output: values, params, inputs }
    }

    /// Forward and slopes on every instruction set, and the bits on one to three threads.
    pub(crate) fn check(&self) {
        let mut arrays = parameter_values(&self.params);
        let n_params = arrays.len();
        arrays.extend(self.inputs.iter().map(|input| wide(input.values())));
        let define = |arrays: &Arrays| {
            let (params, inputs) = arrays.split_at(n_params);
            (self.definition)(&params.to_vec(), &inputs.to_vec())
        };
        let exact = define(&arrays);
        let seed = values(exact.len(), 99);
        let slopes = slopes(&arrays, &seed, define);
        Isa::for_each_available(|isa| {
            eprintln!("{} on {}", self.name, isa.name());
            let outcome = self.same_on_any_threads(&seed);
            all_close(&outcome.output, &exact, self.forward, self.forward);
            let gradients: Vec<&Vec<f32>> = outcome.params.iter().chain(&outcome.inputs).collect();
            for (array, at, slope) in &slopes {
                let actual = f64::from(gradients[*array][*at]);
                close(actual, *slope, self.backward, self.backward);
            }
            let plain = Tape::forward_only(&self.params);
            let again = (self.run)(&plain, &self.inputs);
            assert!(!again.is_tracked(), "a tape that only computes must not record");
            assert_eq!(again.values(), outcome.output, "recording changes nothing");
        });
    }

    /// For shapes too large for slopes: forward, backward and the bits on one to three threads.
    pub(crate) fn check_threads(&self) {
        let tape = Tape::forward_only(&self.params);
        let seed = values((self.run)(&tape, &self.inputs).values().len(), 98);
        Isa::for_each_available(|_| {
            self.same_on_any_threads(&seed);
        });
    }

    fn same_on_any_threads(&self, seed: &[f32]) -> Outcome {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| self.outcome(seed))
        };
        let one = on(1);
        assert!(one.bits() == on(2).bits(), "{}: other bits on two threads", self.name);
        assert!(one.bits() == on(3).bits(), "{}: other bits on three threads", self.name);
        one
    }
}

/// The slopes of `Σ seed · define(arrays)` at some coordinates of every array.
fn slopes(
    arrays: &Arrays,
    seed: &[f32],
    define: impl Fn(&Arrays) -> Vec<f64>,
) -> Vec<(usize, usize, f64)> {
    let step = 1e-5;
    let value = |arrays: &Arrays| -> f64 {
        define(arrays).iter().zip(seed).map(|(y, d)| y * f64::from(*d)).sum()
    };
    let mut found = Vec::new();
    for (array, values) in arrays.iter().enumerate() {
        let probes = values.len().min(PROBES);
        for probe in 0..probes {
            let at = if values.len() <= PROBES { probe } else { (probe * 7919 + 5) % values.len() };
            let mut moved = arrays.clone();
            moved[array][at] = values[at] + step;
            let above = value(&moved);
            moved[array][at] = values[at] - step;
            found.push((array, at, (above - value(&moved)) / (2.0 * step)));
        }
    }
    found
}
