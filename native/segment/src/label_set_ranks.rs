//! The order of label sets.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, DictionaryArray, StringArray, UInt32Array},
    datatypes::Int32Type,
};
use hashbrown::HashMap;

/// The label sets of dictionary columns in the order of their texts, and each row's place among them.
pub(crate) struct LabelSetRanks {
    texts: Vec<Arc<str>>,
    of_row: Vec<u32>,
}

impl LabelSetRanks {
    /// Looks each dictionary's texts up once, not each row's; texts that no row has are left out.
    pub(crate) fn of(columns: &[&ArrayRef]) -> Self {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut of_row = Vec::new();
        for column in columns {
            let column: &DictionaryArray<Int32Type> = column.as_dictionary();
            let values: &StringArray = column.values().as_string();
            let mut number_of_key: Vec<Option<u32>> = vec![None; values.len()];
            of_row.extend(column.keys().values().iter().map(|&key| {
                *number_of_key[key as usize].get_or_insert_with(|| {
                    let next = numbers.len() as u32;
                    *numbers.entry(values.value(key as usize)).or_insert(next)
                })
            }));
        }
        let mut by_text: Vec<(&str, u32)> = numbers.into_iter().collect();
        by_text.sort_unstable();
        let mut ranks = vec![0; by_text.len()];
        for (rank, &(_, number)) in (0u32..).zip(&by_text) {
            ranks[number as usize] = rank;
        }
        for number in &mut of_row {
            *number = ranks[*number as usize];
        }
        Self { texts: by_text.into_iter().map(|(text, _)| Arc::from(text)).collect(), of_row }
    }

    /// Rows by label set, then time, then the order they came in.
    pub(crate) fn order(&self, times: &[i64]) -> UInt32Array {
        let mut keys: Vec<(u32, i64, u32)> = self
            .of_row
            .iter()
            .zip(times)
            .zip(0..)
            .map(|((&rank, &time), row)| (rank, time, row))
            .collect();
        keys.sort_unstable();
        UInt32Array::from_iter_values(keys.into_iter().map(|(_, _, row)| row))
    }

    /// Each label set with its rows in `order`.
    pub(crate) fn runs<'a>(
        &'a self,
        order: &'a UInt32Array,
    ) -> impl Iterator<Item = (Arc<str>, std::ops::Range<u32>)> + 'a {
        let rank = |at: u32| self.of_row[order.value(at as usize) as usize];
        let rows = order.len() as u32;
        let mut start = 0;
        std::iter::from_fn(move || {
            if start == rows {
                return None;
            }
            let first = rank(start);
            let end = (start..rows).find(|&at| rank(at) != first).unwrap_or(rows);
            let run = (self.texts[first as usize].clone(), start..end);
            start = end;
            Some(run)
        })
    }
}
