//! The trainable values, by name, and their gradients. Values are f32 and change only between steps.
//! Frozen weights are not here: they are [`crate::Matrix`]es.

use grimoire_kernels::parallel::for_each_rows;
use grimoire_kernels::rows;
use rayon::prelude::*;
use std::collections::HashMap;

/// Values that one piece of work goes through.
const PIECE: usize = 65_536;

/// Which parameter: an index into [`Params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamId(usize);

impl ParamId {
    /// The index, in order of registration.
    pub fn index(self) -> usize {
        self.0
    }
}

/// All trainable values of a model, in order of registration.
#[derive(Clone, Debug, Default)]
pub struct Params {
    names: Vec<String>,
    shapes: Vec<Vec<usize>>,
    values: Vec<Vec<f32>>,
    by_name: HashMap<String, ParamId>,
}

/// A parameter as seen from outside.
#[derive(Clone, Copy, Debug)]
pub struct ParamView<'a> {
    /// Which it is.
    pub id: ParamId,
    /// Its path, such as `blocks.3.attn.q.lora_a`.
    pub name: &'a str,
    /// Its shape.
    pub shape: &'a [usize],
    /// Its values, row-major.
    pub values: &'a [f32],
}

impl Params {
    /// Registers a parameter.
    ///
    /// # Panics
    /// When the name is taken or the number of values is not the product of the shape.
    pub fn add(&mut self, name: &str, shape: &[usize], values: Vec<f32>) -> ParamId {
        assert_eq!(
            shape.iter().product::<usize>(),
            values.len(),
            "parameter {name}: shape {shape:?}"
        );
        let id = ParamId(self.values.len());
        let before = self.by_name.insert(name.to_owned(), id);
        assert!(before.is_none(), "parameter {name} is registered twice");
        self.names.push(name.to_owned());
        self.shapes.push(shape.to_vec());
        self.values.push(values);
        id
    }

    /// How many parameters (arrays, not values) there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many values there are in all.
    pub fn n_values(&self) -> usize {
        self.values.iter().map(Vec::len).sum()
    }

    /// The values of a parameter.
    pub fn values(&self, id: ParamId) -> &[f32] {
        &self.values[id.0]
    }

    /// The values of a parameter, to change between steps.
    pub fn values_mut(&mut self, id: ParamId) -> &mut [f32] {
        &mut self.values[id.0]
    }

    /// The shape of a parameter.
    pub fn shape(&self, id: ParamId) -> &[usize] {
        &self.shapes[id.0]
    }

    /// The parameter of that name.
    pub fn id(&self, name: &str) -> Option<ParamId> {
        self.by_name.get(name).copied()
    }

    /// All parameters in order of registration.
    pub fn iter(&self) -> impl Iterator<Item = ParamView<'_>> {
        (0..self.values.len()).map(|index| ParamView {
            id: ParamId(index),
            name: &self.names[index],
            shape: &self.shapes[index],
            values: &self.values[index],
        })
    }
}

/// One gradient per parameter, summed over everything since the last [`Gradients::clear`].
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    sums: Vec<Vec<f32>>,
}

impl Gradients {
    /// Zeros of the shapes of `params`.
    pub fn zeros(params: &Params) -> Self {
        Self { sums: params.values.iter().map(|values| vec![0.0; values.len()]).collect() }
    }

    /// The gradient of a parameter.
    pub fn of(&self, id: ParamId) -> &[f32] {
        &self.sums[id.0]
    }

    /// The gradient of a parameter, to add to.
    pub fn of_mut(&mut self, id: ParamId) -> &mut [f32] {
        &mut self.sums[id.0]
    }

    /// Back to zero, keeping the memory.
    pub fn clear(&mut self) {
        for sums in &mut self.sums {
            for_each_rows(sums, 1, PIECE, |_, part| part.fill(0.0));
        }
    }

    /// Multiplies all by `factor`.
    pub fn scale(&mut self, factor: f32) {
        for value in self.sums.iter_mut().flatten() {
            *value *= factor;
        }
    }

    /// The Euclidean norm over all parameters, summed in f64: runs of a fixed length each, then these in order.
    pub fn norm(&self) -> f64 {
        let of_array = |sums: &Vec<f32>| -> f64 {
            sums.par_chunks(PIECE).map(rows::wide_sum_of_squares).collect::<Vec<f64>>().iter().sum()
        };
        self.sums.iter().map(of_array).sum::<f64>().sqrt()
    }
}
