//! Streams or series that a scan may read, each with a number, and the columns that they have.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{
        Array, ArrayBuilder, ArrayRef, DictionaryArray, Int32Array, MapBuilder, RecordBatch,
        RecordBatchOptions, StringArray, StringBuilder, UInt32Array,
    },
    compute::take,
    datatypes::{Field, Schema},
};
use datafusion::{
    common::{DataFusionError, Result, internal_datafusion_err},
    physical_plan::PhysicalExpr,
};
use varve_columnar::labels::LabelSet;

use crate::tables::{LabelSetPart, METRIC, Origin, SqlTable, as_text_map};

/// Label sets of one tenant.
#[derive(Debug)]
pub(crate) struct LabelSets {
    tenant: Arc<str>,
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
    parts: HashMap<LabelSetPart, Part>,
}

/// What all the label sets have, by their number.
#[derive(Debug)]
enum Part {
    Values(ArrayRef),
    /// The key of each one's value.
    Shared {
        keys: Int32Array,
        values: ArrayRef,
    },
}

impl LabelSets {
    pub(crate) fn new(tenant: Arc<str>) -> Self {
        let (numbers, texts, parts) = (HashMap::new(), Vec::new(), HashMap::new());
        Self { tenant, numbers, texts, parts }
    }

    /// The number of a label set, given its canonical text.
    pub(crate) fn number_of(&mut self, text: &Arc<str>) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as u32;
        self.numbers.insert(text.clone(), number);
        self.texts.push(text.clone());
        number
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Makes what of them will be asked for, once all are known.
    pub(crate) fn prepare(&mut self, parts: impl Iterator<Item = LabelSetPart>) -> Result<()> {
        let mut read = None;
        for part in parts {
            if self.parts.contains_key(&part) {
                continue;
            }
            let made = if part == LabelSetPart::Text {
                Part::Values(Arc::new(StringArray::from_iter_values(&self.texts)))
            } else {
                let sets = match &mut read {
                    Some(sets) => sets,
                    None => read.insert(self.read()?),
                };
                Part::of(sets, part)?
            };
            self.parts.insert(part, made);
        }
        Ok(())
    }

    fn read(&self) -> Result<Vec<LabelSet>> {
        let read = |text: &Arc<str>| {
            LabelSet::from_json(text).map_err(|error| DataFusionError::External(Box::new(error)))
        };
        self.texts.iter().map(read).collect()
    }

    /// A part of the label sets of rows; it was prepared.
    pub(crate) fn column(&self, part: LabelSetPart, rows: &UInt32Array) -> Result<ArrayRef> {
        let prepared = self.parts.get(&part);
        match prepared.ok_or_else(|| internal_datafusion_err!("{part:?} was not prepared"))? {
            Part::Values(values) => Ok(take(values, rows, None)?),
            Part::Shared { keys, values } => {
                let keys = take(keys, rows, None)?;
                let keys = keys.as_any().downcast_ref::<Int32Array>().cloned();
                let keys = keys.ok_or_else(|| internal_datafusion_err!("keys of another type"))?;
                Ok(Arc::new(DictionaryArray::try_new(keys, values.clone())?))
            }
        }
    }

    /// Which of them all predicates hold for; they are over [`columns_for`] in the table's order.
    pub(crate) fn matching(
        &self,
        table: SqlTable,
        predicates: &[Arc<dyn PhysicalExpr>],
    ) -> Result<Vec<bool>> {
        let mut matching = vec![true; self.len()];
        if predicates.is_empty() {
            return Ok(matching);
        }
        let batch = self.batch(table)?;
        for predicate in predicates {
            let holds = predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
            let holds = datafusion::common::cast::as_boolean_array(&holds)?;
            for (matches, holds) in matching.iter_mut().zip(holds) {
                *matches &= holds == Some(true);
            }
        }
        Ok(matching)
    }

    fn batch(&self, table: SqlTable) -> Result<RecordBatch> {
        let all = UInt32Array::from_iter_values(0..self.len() as u32);
        let mut fields = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for column in columns_for(table) {
            let values = match column.origin {
                Origin::LabelSet(part) if self.parts.contains_key(&part) => {
                    self.column(part, &all)?
                }
                Origin::Tenant => self.tenant_column(self.len()),
                // Not asked for by any predicate.
                _ => arrow::array::new_null_array(&column.data_type, self.len()),
            };
            fields.push(Field::new(column.name, column.data_type.clone(), true));
            columns.push(values);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.len()));
        let schema = Arc::new(Schema::new(fields));
        Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
    }

    /// The tenant, as many times.
    pub(crate) fn tenant_column(&self, rows: usize) -> ArrayRef {
        let names = Arc::new(StringArray::from(vec![&*self.tenant]));
        Arc::new(DictionaryArray::new(Int32Array::from(vec![0; rows]), names))
    }
}

/// Columns of a table that are the same for all rows of a label set.
pub(crate) fn columns_for(table: SqlTable) -> impl Iterator<Item = &'static crate::tables::Column> {
    table.columns().iter().filter(|column| !matches!(column.origin, Origin::Stored(..)))
}

impl Part {
    fn of(sets: &[LabelSet], part: LabelSetPart) -> Result<Self> {
        match part {
            LabelSetPart::Text | LabelSetPart::Labels => {
                let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
                for set in sets {
                    for (name, value) in set.iter().filter(|(name, _)| *name != METRIC) {
                        maps.keys().append_value(name);
                        maps.values().append_value(value);
                    }
                    maps.append(true)?;
                }
                Ok(Self::Values(as_text_map(&maps.finish())?))
            }
            LabelSetPart::Label(name) => {
                let mut known: HashMap<&str, i32> = HashMap::new();
                let mut values = StringBuilder::new();
                let key_of = |set| {
                    let value = LabelSet::get(set, name);
                    (!value.is_empty()).then(|| {
                        *known.entry(value).or_insert_with(|| {
                            values.append_value(value);
                            values.len() as i32 - 1
                        })
                    })
                };
                let keys = sets.iter().map(key_of).collect();
                Ok(Self::Shared { keys, values: Arc::new(values.finish()) })
            }
        }
    }
}
