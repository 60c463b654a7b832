//! Columns of plain values, made of stored ones.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, AsArray, DictionaryArray, Float64Array, Int32Array,
        PrimitiveArray, StringArray, TimestampNanosecondArray,
    },
    buffer::{NullBuffer, OffsetBuffer},
    compute::{is_null, nullif},
    datatypes::{Float64Type, Int32Type, Int64Type},
    error::ArrowError,
};
use varve_columnar::{histogram::NativeHistogram, protobuf::Message};

const NS_PER_MS: i64 = 1_000_000;
const TIME_ZONE: &str = "UTC";

/// One of the stored columns.
pub(super) fn stored(columns: &[ArrayRef], at: usize) -> Result<&ArrayRef, ArrowError> {
    columns
        .get(at)
        .ok_or_else(|| broken(format!("{} stored columns instead of more", columns.len())))
}

/// What is not as its table's schema says.
pub(super) fn broken(text: String) -> ArrowError {
    ArrowError::SchemaError(text)
}

fn numbers<T: ArrowPrimitiveType>(
    columns: &[ArrayRef],
    at: usize,
) -> Result<&PrimitiveArray<T>, ArrowError> {
    let column = stored(columns, at)?;
    column
        .as_primitive_opt::<T>()
        .ok_or_else(|| broken(format!("{} where {} is stored", column.data_type(), T::DATA_TYPE)))
}

/// As it is stored.
pub(super) fn same(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    stored(columns, 0).cloned()
}

/// A time stored in nanoseconds.
pub(super) fn time_of_ns(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(as_times(numbers(columns, 0)?)))
}

/// The same where 0 stands for none.
pub(super) fn time_of_ns_or_null(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    let times = numbers::<Int64Type>(columns, 0)?;
    let there = times.values().iter().map(|&time| time != 0).collect();
    let nulls = NullBuffer::union(times.nulls(), Some(&there));
    Ok(Arc::new(as_times(&PrimitiveArray::new(times.values().clone(), nulls))))
}

/// A time stored in milliseconds; the ones beyond what nanoseconds can say are brought back to it.
pub(super) fn time_of_ms(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    let times = numbers::<Int64Type>(columns, 0)?;
    Ok(Arc::new(as_times(&times.unary(|time_ms| time_ms.saturating_mul(NS_PER_MS)))))
}

fn as_times(numbers: &PrimitiveArray<Int64Type>) -> TimestampNanosecondArray {
    TimestampNanosecondArray::new(numbers.values().clone(), numbers.nulls().cloned())
        .with_timezone(TIME_ZONE)
}

/// The second minus the first.
pub(super) fn difference(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    let (from, to) = (numbers::<Int64Type>(columns, 0)?, numbers::<Int64Type>(columns, 1)?);
    let difference: PrimitiveArray<Int64Type> =
        arrow::compute::binary(to, from, i64::saturating_sub)?;
    Ok(Arc::new(difference))
}

/// Bytes as lower-case hex digits.
pub(super) fn hex(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let column = stored(columns, 0)?;
    let ids = column
        .as_fixed_size_binary_opt()
        .ok_or_else(|| broken(format!("{} where ids are stored", column.data_type())))?;
    let digits = 2 * ids.value_length() as usize;
    let mut texts = Vec::with_capacity(ids.len() * digits);
    for id in ids.iter().flatten() {
        let digit = |nibble: u8| DIGITS[usize::from(nibble & 15)];
        texts.extend(id.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]));
    }
    let lengths = ids.iter().map(|id| if id.is_some() { digits } else { 0 });
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(StringArray::try_new(offsets, texts.into(), ids.nulls().cloned())?))
}

/// OTLP's `SpanKind`.
pub(super) fn span_kind(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    const KINDS: [&str; 6] =
        ["unspecified", "internal", "server", "client", "producer", "consumer"];
    names_of(numbers(columns, 0)?, &KINDS)
}

/// OTLP's `Status.StatusCode`.
pub(super) fn span_status(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    names_of(numbers(columns, 0)?, &["unset", "ok", "error"])
}

/// Numbers by their names; a number without one is shown as the first.
fn names_of(
    column: &PrimitiveArray<Int32Type>,
    names: &'static [&'static str],
) -> Result<ArrayRef, ArrowError> {
    let known = 0..names.len() as i32;
    let keys: Int32Array = column.unary(|number| if known.contains(&number) { number } else { 0 });
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(StringArray::from(names.to_vec())))?))
}

/// The first, where the second is null.
pub(super) fn float_where_no_histogram(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    let (values, histograms) = (numbers::<Float64Type>(columns, 0)?, stored(columns, 1)?);
    if histograms.null_count() == histograms.len() {
        return Ok(Arc::new(values.clone()));
    }
    nullif(values, &arrow::compute::not(&is_null(histograms)?)?)
}

/// Observations of native histograms.
pub(super) fn histogram_count(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    of_histograms(stored(columns, 0)?, |histogram| histogram.count)
}

/// Their sum.
pub(super) fn histogram_sum(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    of_histograms(stored(columns, 0)?, |histogram| histogram.sum)
}

fn of_histograms(
    column: &ArrayRef,
    value: impl Fn(&NativeHistogram) -> f64,
) -> Result<ArrayRef, ArrowError> {
    let histograms = column
        .as_binary_opt::<i32>()
        .ok_or_else(|| broken(format!("{} where histograms are stored", column.data_type())))?;
    let read = |bytes: &[u8]| match NativeHistogram::from_protobuf(Message::new(bytes)) {
        Ok(Ok(read)) => Ok(value(&read.histogram)),
        Ok(Err(rule)) => Err(broken(format!("a stored histogram is broken: {rule}"))),
        Err(error) => Err(broken(format!("a stored histogram is no message: {error}"))),
    };
    let values: Float64Array =
        histograms.iter().map(|bytes| bytes.map(read).transpose()).collect::<Result<_, _>>()?;
    Ok(Arc::new(values))
}
