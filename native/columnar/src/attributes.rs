//! Attribute values as columns: a type and a text from which the value is given back as it came.

/// What an attribute's (or a body's) text stands for. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum AttributeType {
    /// `AnyValue` with nothing set; the text is empty.
    Empty = 0,
    /// The text itself.
    String = 1,
    /// `true` or `false`.
    Bool = 2,
    /// Decimal.
    Int = 3,
    /// The shortest decimal that reads back; `NaN`, `Infinity`, `-Infinity`.
    Double = 4,
    /// Base64.
    Bytes = 5,
    /// Plain JSON array: whole numbers are ints, numbers with `.` or exponent doubles.
    Array = 6,
    /// Plain JSON object, likewise.
    KeyValueList = 7,
    /// `AnyValue` in OTLP's JSON: arrays and objects that plain JSON would not give back as they
    /// came (bytes, NaN, empty values or repeated keys inside).
    AnyValueJson = 8,
}
