//! The data points of OTLP metrics, as they are sent.

use varve_columnar::histogram::{HistogramError, NativeHistogram, ResetHint, SCHEMA_CUSTOM};

use super::{
    native_histogram::{Buckets, ExponentialHistogram},
    otlp_logs::time,
    protobuf::{Field, Message, WireError},
    protobuf_write::unzigzag,
};

/// What every data point has.
#[derive(Clone, Debug, Default)]
pub(super) struct PointCommon<'a> {
    /// `KeyValue` messages.
    pub(super) attributes: Vec<Message<'a>>,
    /// `Exemplar` messages.
    pub(super) exemplars: Vec<Message<'a>>,
    pub(super) time_unix_ms: i64,
    /// Since when it counts; 0 = not set.
    pub(super) start_unix_ms: i64,
    /// The sender says that the series has ended.
    pub(super) has_no_value: bool,
}

impl PointCommon<'_> {
    /// The bits of the NaN that ends a series in Prometheus.
    pub(super) const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

    /// What stands behind the point.
    pub(super) fn read_exemplars(&self) -> Result<Vec<PointExemplar<'_>>, WireError> {
        self.exemplars.iter().map(|message| PointExemplar::read(*message)).collect()
    }

    /// The value to store: the point's, or the stale marker.
    pub(super) fn value(&self, value: f64) -> f64 {
        if self.has_no_value { f64::from_bits(Self::STALE_BITS) } else { value }
    }
}

/// The field numbers of [`PointCommon`], which differ between kinds of points.
struct CommonFields {
    attributes: u32,
    flags: u32,
    exemplars: u32,
}

/// No field has this number.
const NONE: u32 = 0;

/// More attributes, exemplars or buckets than any sender's point has: each costs many times the bytes
/// that it takes in the body.
const PARTS_MAX: usize = 1 << 16;

const PARTS_TOO_MANY: &str = "a point with over 65536 attributes, exemplars or buckets";

impl<'a> PointCommon<'a> {
    /// Takes the field if it is one of these.
    fn take(
        &mut self,
        fields: &CommonFields,
        (number, field): (u32, Field<'a>),
        within: &Message<'a>,
    ) -> Result<bool, WireError> {
        const START: u32 = 2;
        const TIME: u32 = 3;
        const NO_RECORDED_VALUE: u64 = 1;
        if self.attributes.len().max(self.exemplars.len()) > PARTS_MAX {
            return Err(within.error(PARTS_TOO_MANY));
        }
        match number {
            START => self.start_unix_ms = time(field.fixed64(within)?) / 1_000_000,
            TIME => self.time_unix_ms = time(field.fixed64(within)?) / 1_000_000,
            _ if number == fields.attributes => self.attributes.push(field.message(within)?),
            _ if number == fields.exemplars => self.exemplars.push(field.message(within)?),
            _ if number == fields.flags => {
                self.has_no_value = field.varint(within)? & NO_RECORDED_VALUE != 0;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// `NumberDataPoint`.
#[derive(Debug, Default)]
pub(super) struct NumberPoint<'a> {
    pub(super) common: PointCommon<'a>,
    pub(super) value: f64,
}

impl<'a> NumberPoint<'a> {
    pub(super) fn read(mut message: Message<'a>) -> Result<Self, WireError> {
        const COMMON: CommonFields = CommonFields { attributes: 7, flags: 8, exemplars: 5 };
        let mut point = Self::default();
        while let Some((number, field)) = message.next_field()? {
            if point.common.take(&COMMON, (number, field), &message)? {
                continue;
            }
            match number {
                4 => point.value = field.double(&message)?,
                6 => point.value = field.fixed64(&message)? as i64 as f64,
                _ => {}
            }
        }
        Ok(point)
    }
}

/// `HistogramDataPoint`.
#[derive(Debug, Default)]
pub(super) struct HistogramPoint<'a> {
    pub(super) common: PointCommon<'a>,
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
    /// Not cumulative; one more than bounds.
    pub(super) counts: Vec<u64>,
    pub(super) bounds: Vec<f64>,
}

impl<'a> HistogramPoint<'a> {
    pub(super) fn read(mut message: Message<'a>) -> Result<Self, WireError> {
        const COMMON: CommonFields = CommonFields { attributes: 9, flags: 10, exemplars: 8 };
        let mut point = Self::default();
        while let Some((number, field)) = message.next_field()? {
            if point.common.take(&COMMON, (number, field), &message)? {
                continue;
            }
            match number {
                4 => point.count = field.fixed64(&message)?,
                5 => point.sum = Some(field.double(&message)?),
                6 => field.each_fixed64(&message, |count| point.counts.push(count))?,
                7 => {
                    field.each_fixed64(&message, |bits| point.bounds.push(f64::from_bits(bits)))?;
                }
                _ => {}
            }
            if point.counts.len().max(point.bounds.len()) > PARTS_MAX {
                return Err(message.error(PARTS_TOO_MANY));
            }
        }
        Ok(point)
    }
}

impl HistogramPoint<'_> {
    /// A `prometheus.Histogram` with custom buckets, or the rule that it breaks.
    pub(super) fn to_custom_buckets(
        &self,
        is_delta: bool,
    ) -> Result<Result<Vec<u8>, HistogramError>, WireError> {
        if !self.counts.is_empty() && self.counts.len() != self.bounds.len() + 1 {
            return Ok(Err("its counts are not one more than its bounds"));
        }
        let common = &self.common;
        let sum = self.sum.unwrap_or_default();
        let mut histogram = NativeHistogram {
            reset: if is_delta { ResetHint::Gauge } else { ResetHint::Unknown },
            schema: SCHEMA_CUSTOM,
            count: common.value(self.count as f64),
            sum: common.value(sum),
            custom_bounds: self.bounds.clone(),
            start_ms: common.start_unix_ms,
            ..NativeHistogram::default()
        };
        if !common.has_no_value {
            let filled = (0..).zip(&self.counts).filter(|(_, count)| **count > 0);
            histogram.positive = filled.map(|(index, &count)| (index, count as f64)).collect();
        }
        let bytes = histogram.to_protobuf(common.time_unix_ms);
        Ok(NativeHistogram::from_protobuf(Message::new(&bytes))?.map(|_| bytes))
    }
}

/// `SummaryDataPoint`.
#[derive(Debug, Default)]
pub(super) struct SummaryPoint<'a> {
    pub(super) common: PointCommon<'a>,
    pub(super) count: u64,
    pub(super) sum: f64,
    /// Quantile and value.
    pub(super) quantiles: Vec<(f64, f64)>,
}

impl<'a> SummaryPoint<'a> {
    pub(super) fn read(mut message: Message<'a>) -> Result<Self, WireError> {
        const COMMON: CommonFields = CommonFields { attributes: 7, flags: 8, exemplars: NONE };
        let mut point = Self::default();
        while let Some((number, field)) = message.next_field()? {
            if point.common.take(&COMMON, (number, field), &message)? {
                continue;
            }
            match number {
                4 => point.count = field.fixed64(&message)?,
                5 => point.sum = field.double(&message)?,
                6 if point.quantiles.len() > PARTS_MAX => {
                    return Err(message.error(PARTS_TOO_MANY));
                }
                6 => point.quantiles.push(quantile(field.message(&message)?)?),
                _ => {}
            }
        }
        Ok(point)
    }
}

fn quantile(mut message: Message<'_>) -> Result<(f64, f64), WireError> {
    let (mut quantile, mut value) = (0.0, 0.0);
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => quantile = field.double(&message)?,
            2 => value = field.double(&message)?,
            _ => {}
        }
    }
    Ok((quantile, value))
}

/// `ExponentialHistogramDataPoint`.
pub(super) fn read_exponential(
    mut message: Message<'_>,
) -> Result<(PointCommon<'_>, ExponentialHistogram), WireError> {
    const COMMON: CommonFields = CommonFields { attributes: 1, flags: 10, exemplars: 11 };
    let mut common = PointCommon::default();
    let mut histogram = ExponentialHistogram::default();
    while let Some((number, field)) = message.next_field()? {
        if common.take(&COMMON, (number, field), &message)? {
            continue;
        }
        match number {
            4 => histogram.count = field.fixed64(&message)?,
            5 => histogram.sum = field.double(&message)?,
            6 => histogram.scale = sint32(field.varint(&message)?),
            7 => histogram.zero_count = field.fixed64(&message)?,
            8 => histogram.positive = buckets(field.message(&message)?)?,
            9 => histogram.negative = buckets(field.message(&message)?)?,
            _ => {}
        }
    }
    Ok((common, histogram))
}

fn buckets(mut message: Message<'_>) -> Result<Buckets, WireError> {
    let mut buckets = Buckets::default();
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => buckets.offset = sint32(field.varint(&message)?),
            2 => field.each_varint(&message, |count| {
                if buckets.counts.len() <= PARTS_MAX {
                    buckets.counts.push(count);
                }
            })?,
            _ => {}
        }
    }
    if buckets.counts.len() > PARTS_MAX {
        return Err(message.error(PARTS_TOO_MANY));
    }
    Ok(buckets)
}

/// OTLP's `Exemplar`.
#[derive(Debug, Default)]
pub(super) struct PointExemplar<'a> {
    /// `KeyValue` messages.
    pub(super) attributes: Vec<Message<'a>>,
    pub(super) time_unix_ms: i64,
    pub(super) value: f64,
    /// Bytes; empty where there is none.
    pub(super) span_id: &'a [u8],
    pub(super) trace_id: &'a [u8],
}

impl<'a> PointExemplar<'a> {
    pub(super) fn read(mut message: Message<'a>) -> Result<Self, WireError> {
        let mut exemplar = Self::default();
        while let Some((number, field)) = message.next_field()? {
            match number {
                2 => exemplar.time_unix_ms = time(field.fixed64(&message)?) / 1_000_000,
                3 => exemplar.value = field.double(&message)?,
                4 => exemplar.span_id = field.message(&message)?.bytes(),
                5 => exemplar.trace_id = field.message(&message)?.bytes(),
                6 => exemplar.value = field.fixed64(&message)? as i64 as f64,
                7 => exemplar.attributes.push(field.message(&message)?),
                _ => {}
            }
        }
        Ok(exemplar)
    }
}

/// A number of 32 bits, in more: what is made of it cannot overflow.
fn sint32(value: u64) -> i64 {
    i64::from(unzigzag(u64::from(value as u32)) as i32)
}
