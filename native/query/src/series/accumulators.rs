//! What aggregations make of a group's values at one step, value by value.

use super::sums::{Mean, Sum};

/// A value that grows from those of a group at one step.
pub(super) trait Accumulator: Clone {
    fn of(first: f64) -> Self;
    fn add(&mut self, value: f64);
    fn result(self) -> f64;
}

impl Accumulator for Sum {
    fn of(first: f64) -> Self {
        Sum::of(first)
    }
    fn add(&mut self, value: f64) {
        Sum::add(self, value);
    }
    fn result(self) -> f64 {
        self.total()
    }
}

impl Accumulator for Mean {
    fn of(first: f64) -> Self {
        Mean::of(first)
    }
    fn add(&mut self, value: f64) {
        Mean::add(self, value);
    }
    fn result(self) -> f64 {
        self.mean()
    }
}

/// The least value; NaN only if there is nothing else.
#[derive(Clone)]
pub(super) struct Least(f64);

impl Accumulator for Least {
    fn of(first: f64) -> Self {
        Self(first)
    }
    fn add(&mut self, value: f64) {
        if value < self.0 || self.0.is_nan() {
            self.0 = value;
        }
    }
    fn result(self) -> f64 {
        self.0
    }
}

/// The greatest value; NaN only if there is nothing else.
#[derive(Clone)]
pub(super) struct Greatest(f64);

impl Accumulator for Greatest {
    fn of(first: f64) -> Self {
        Self(first)
    }
    fn add(&mut self, value: f64) {
        if value > self.0 || self.0.is_nan() {
            self.0 = value;
        }
    }
    fn result(self) -> f64 {
        self.0
    }
}

/// How many values there are.
#[derive(Clone)]
pub(super) struct Count(u32);

impl Accumulator for Count {
    fn of(_: f64) -> Self {
        Self(1)
    }
    fn add(&mut self, _: f64) {
        self.0 += 1;
    }
    fn result(self) -> f64 {
        f64::from(self.0)
    }
}

/// 1 where there is any value.
#[derive(Clone)]
pub(super) struct One;

impl Accumulator for One {
    fn of(_: f64) -> Self {
        Self
    }
    fn add(&mut self, _: f64) {}
    fn result(self) -> f64 {
        1.0
    }
}

/// The population variance.
#[derive(Clone)]
pub(super) struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Accumulator for Spread {
    fn of(first: f64) -> Self {
        let squares = if first.is_finite() { 0.0 } else { f64::NAN };
        Self { count: 1.0, mean: first, squares }
    }
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }
    fn result(self) -> f64 {
        self.squares / self.count
    }
}

/// The population's standard deviation.
#[derive(Clone)]
pub(super) struct Deviation(Spread);

impl Accumulator for Deviation {
    fn of(first: f64) -> Self {
        Self(Spread::of(first))
    }
    fn add(&mut self, value: f64) {
        self.0.add(value);
    }
    fn result(self) -> f64 {
        self.0.result().sqrt()
    }
}
