use proptest::prelude::*;

use super::*;

fn text_of(value: &Value) -> String {
    encode(value).1
}

#[test]
fn doubles_are_written_as_loki_shows_them() {
    let texts = [0.0, 7.0, 0.25, -1.5, 1e-6, 1.5e-7, 1e20, 1e21, 1.25e300, f64::NAN];
    let texts = texts.map(|value| text_of(&Value::Double(value)));
    assert_eq!(
        texts,
        [
            "0",
            "7",
            "0.25",
            "-1.5",
            "0.000001",
            "1.5e-7",
            "100000000000000000000",
            "1e+21",
            "1.25e+300",
            "NaN"
        ]
    );
}

#[test]
fn whole_doubles_inside_an_array_stay_apart_from_ints() {
    let value = Value::Array(vec![Value::Int(1), Value::Double(1.0), Value::String("a\"".into())]);
    assert_eq!(encode(&value), (AttributeType::Array, r#"[1,1.0,"a\""]"#.to_owned()));
}

#[test]
fn bytes_inside_an_object_make_it_otlp_json() {
    let value = Value::KeyValueList(vec![("k".into(), Value::Bytes(vec![1, 2]))]);
    let expected = r#"{"kvlistValue":{"values":[{"key":"k","value":{"bytesValue":"AQI="}}]}}"#;
    assert_eq!(encode(&value), (AttributeType::AnyValueJson, expected.to_owned()));
}

#[test]
fn a_damaged_text_is_given_back_as_a_string() {
    assert_eq!(decode(AttributeType::Int, "1x"), Value::String("1x".into()));
    assert_eq!(decode(AttributeType::Array, "[1"), Value::String("[1".into()));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Empty),
        ".{0,8}".prop_map(Value::String),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>()
            .prop_filter("NaNs differ from themselves", |value| !value.is_nan())
            .prop_map(Value::Double),
        proptest::collection::vec(any::<u8>(), 0..8).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec(("[a-c]{0,2}", inner), 0..4).prop_map(Value::KeyValueList),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_given_back_as_it_came(value in values()) {
        let (kind, text) = encode(&value);
        prop_assert_eq!(decode(kind, &text), value);
    }
}
