//! Columns of attributes, events and links, made of stored ones.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, DictionaryArray, ListArray, MapArray, MapBuilder, StringArray,
        StringBuilder, StructArray, UInt8Array, new_null_array,
    },
    buffer::NullBuffer,
    compute::{cast, take},
    datatypes::{DataType, Field, Fields, Int32Type, UInt8Type},
    error::ArrowError,
};
use serde::de::DeserializeOwned;
use varve_columnar::{
    attributes::AttributeType,
    resource::{Resource, Scope},
};

use super::{
    TIME, TRACE_ID,
    convert::{broken, hex, stored, time_of_ns},
    text_map, text_map_fields, timestamp,
};

static EVENT_FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new(TIME, timestamp(), false),
        Field::new("name", DataType::Utf8, false),
        Field::new("attributes", text_map(), true),
    ])
});

static LINK_FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new(TRACE_ID, DataType::Utf8, false),
        Field::new("span_id", DataType::Utf8, false),
        Field::new("attributes", text_map(), true),
    ])
});

fn list_of(fields: &Fields) -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Struct(fields.clone()), false)))
}

/// The type of [`events`].
pub(super) fn events_type() -> DataType {
    list_of(&EVENT_FIELDS)
}

/// The type of [`links`].
pub(super) fn links_type() -> DataType {
    list_of(&LINK_FIELDS)
}

/// A row's own attributes by key; values as text.
pub(super) fn attributes(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    attribute_map(stored(columns, 0)?)
}

fn attribute_map(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let unlike = || broken(format!("{} where attributes are stored", column.data_type()));
    let lists = column.as_list_opt::<i32>().ok_or_else(unlike)?;
    let items = lists.values().as_struct_opt().ok_or_else(unlike)?;
    let item = |name| items.column_by_name(name).ok_or_else(unlike);
    let keys = cast(item("key")?, &DataType::Utf8)?;
    let types = item("type")?.as_primitive_opt::<UInt8Type>().ok_or_else(unlike)?;
    let values = item("value")?.as_string_opt::<i32>().ok_or_else(unlike)?;
    let entries = StructArray::try_new(
        text_map_fields(),
        vec![keys, Arc::new(null_where_empty(values, types)?)],
        None,
    )?;
    let DataType::Map(field, sorted) = text_map() else { return Err(unlike()) };
    let map =
        MapArray::try_new(field, lists.offsets().clone(), entries, lists.nulls().cloned(), sorted)?;
    Ok(Arc::new(map))
}

fn null_where_empty(values: &StringArray, types: &UInt8Array) -> Result<StringArray, ArrowError> {
    const EMPTY: u8 = AttributeType::Empty as u8;
    if !types.values().contains(&EMPTY) {
        return Ok(values.clone());
    }
    let there: NullBuffer = types.values().iter().map(|&one| one != EMPTY).collect();
    StringArray::try_new(values.offsets().clone(), values.values().clone(), Some(there))
}

/// The attributes of a resource that many rows share.
pub(super) fn shared_attributes(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    let (texts, keys) = dictionary(stored(columns, 0)?)?;
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for text in texts {
        let Resource { attributes, .. } = text.map(read).transpose()?.unwrap_or_default();
        for (key, kind, value) in attributes {
            maps.keys().append_value(key);
            let is_there = kind != AttributeType::Empty as u8;
            maps.values().append_option(is_there.then_some(value));
        }
        maps.append(true)?;
    }
    take(&as_text_map(&maps.finish())?, keys, None)
}

/// The same entries, with the names of fields that [`text_map`] has.
pub(crate) fn as_text_map(map: &MapArray) -> Result<ArrayRef, ArrowError> {
    let DataType::Map(field, sorted) = text_map() else {
        return Err(broken("a map of texts is no map".to_owned()));
    };
    let entries = StructArray::try_new(text_map_fields(), map.entries().columns().to_vec(), None)?;
    let nulls = map.nulls().cloned();
    Ok(Arc::new(MapArray::try_new(field, map.offsets().clone(), entries, nulls, sorted)?))
}

/// The name of the scope.
pub(super) fn scope_name(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    of_scope(columns, |scope| scope.name)
}

/// The version of the scope.
pub(super) fn scope_version(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    of_scope(columns, |scope| scope.version)
}

fn of_scope(columns: &[ArrayRef], part: fn(Scope) -> String) -> Result<ArrayRef, ArrowError> {
    let column = stored(columns, 0)?;
    let (texts, keys) = dictionary(column)?;
    let mut parts = Vec::with_capacity(texts.len());
    for text in texts {
        let part = text.map(read).transpose()?.map(part);
        parts.push(part.filter(|part| !part.is_empty()));
    }
    if parts.iter().all(Option::is_none) {
        return Ok(new_null_array(&varve_columnar::schema::dictionary(), column.len()));
    }
    let values = Arc::new(StringArray::from(parts));
    Ok(Arc::new(DictionaryArray::try_new(keys.clone(), values)?))
}

fn dictionary(column: &ArrayRef) -> Result<(&StringArray, &arrow::array::Int32Array), ArrowError> {
    let unlike = || broken(format!("{} where shared texts are stored", column.data_type()));
    let shared = column.as_dictionary_opt::<Int32Type>().ok_or_else(unlike)?;
    Ok((shared.values().as_string_opt::<i32>().ok_or_else(unlike)?, shared.keys()))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, ArrowError> {
    serde_json::from_str(text).map_err(|error| broken(format!("'{text}' is stored: {error}")))
}

/// What happened within spans.
pub(super) fn events(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    rebuilt(stored(columns, 0)?, &EVENT_FIELDS, |items, field| match field {
        "time" => time_of_ns(&[part_of(items, "time_unix_nano")?]),
        "attributes" => attribute_map(&part_of(items, "attributes")?),
        other => part_of(items, other),
    })
}

/// What spans point to.
pub(super) fn links(columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    rebuilt(stored(columns, 0)?, &LINK_FIELDS, |items, field| match field {
        "attributes" => attribute_map(&part_of(items, "attributes")?),
        id => hex(&[part_of(items, id)?]),
    })
}

fn part_of(items: &StructArray, name: &str) -> Result<ArrayRef, ArrowError> {
    let part = items.column_by_name(name).cloned();
    part.ok_or_else(|| broken(format!("{} where '{name}' is stored", items.data_type())))
}

/// Lists of structs with the same rows, and other fields.
fn rebuilt(
    column: &ArrayRef,
    fields: &Fields,
    part: impl Fn(&StructArray, &str) -> Result<ArrayRef, ArrowError>,
) -> Result<ArrayRef, ArrowError> {
    let unlike = || broken(format!("{} where lists are stored", column.data_type()));
    let lists = column.as_list_opt::<i32>().ok_or_else(unlike)?;
    let items = lists.values().as_struct_opt().ok_or_else(unlike)?;
    let parts = fields.iter().map(|field| part(items, field.name())).collect::<Result<_, _>>()?;
    let items = StructArray::try_new(fields.clone(), parts, items.nulls().cloned())?;
    let DataType::List(item) = list_of(fields) else { return Err(unlike()) };
    let (offsets, nulls) = (lists.offsets().clone(), lists.nulls().cloned());
    Ok(Arc::new(ListArray::try_new(item, offsets, Arc::new(items), nulls)?))
}
