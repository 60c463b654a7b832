//! Which labels the rows of a whole segment can have, from what its columns' dictionaries hold.

use std::str;

use super::{ROW_NAMES, resource_labels, scope_labels};
use crate::{attributes::AttributeType, label_names::loki_label_name};

/// The names of the labels that come from each column. None is left out, so that a column of which no
/// name is asked for need not be read.
#[derive(Debug)]
pub struct MetadataNames {
    attributes: Vec<Box<str>>,
    /// Lists among attributes become labels whose names only their rows tell.
    has_lists: bool,
    resources: Vec<Box<str>>,
    scopes: Vec<Box<str>>,
}

impl MetadataNames {
    /// Names from the distinct values of `attributes.list.item.key`, `attributes.list.item.type`,
    /// `resource` and `scope`, given by `read`. `None` where one of them is not known.
    pub fn of<E>(
        mut read: impl FnMut(&'static str) -> Result<Option<Vec<Box<[u8]>>>, E>,
    ) -> Result<Option<Self>, E> {
        let Some(keys) = read("attributes.list.item.key")? else { return Ok(None) };
        let Some(types) = read("attributes.list.item.type")? else { return Ok(None) };
        let Some(resources) = read("resource")? else { return Ok(None) };
        let Some(scopes) = read("scope")? else { return Ok(None) };
        let is_list = |number: &[u8]| {
            let number = number.first().copied().unwrap_or_default();
            AttributeType::from_number(number).is_some_and(AttributeType::is_nested)
        };
        let keys = keys.iter().map(|key| str::from_utf8(key).unwrap_or_default());
        Ok(Some(Self {
            attributes: keys
                .filter_map(|key| Some(loki_label_name(key)?.as_ref().into()))
                .collect(),
            has_lists: types.iter().any(|number| is_list(number)),
            resources: names_in(&resources, |text| {
                resource_labels(&serde_json::from_slice(text).unwrap_or_default())
            }),
            scopes: names_in(&scopes, |text| {
                scope_labels(&serde_json::from_slice(text).unwrap_or_default())
            }),
        }))
    }

    /// The columns that can give a row a label of such a name.
    #[must_use]
    pub fn columns(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<&'static str> {
        let any = |names: &[Box<str>]| names.iter().any(|name| is_wanted(name));
        let mut columns: Vec<&'static str> =
            ROW_NAMES.into_iter().filter(|(name, _)| is_wanted(name)).map(|(_, it)| it).collect();
        if self.has_lists || any(&self.attributes) {
            columns.push("attributes");
        }
        if any(&self.resources) {
            columns.push("resource");
        }
        if any(&self.scopes) {
            columns.push("scope");
        }
        columns
    }
}

fn names_in(
    texts: &[Box<[u8]>],
    labels_of: impl Fn(&[u8]) -> super::SharedLabels,
) -> Vec<Box<str>> {
    let mut names: Vec<Box<str>> = Vec::new();
    for text in texts {
        for (name, _) in labels_of(text).iter() {
            if !names.iter().any(|held| **held == **name) {
                names.push(name.as_ref().into());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(key_type: u8) -> MetadataNames {
        let texts = |texts: &[&str]| Some(texts.iter().map(|one| one.as_bytes().into()).collect());
        MetadataNames::of(|column| {
            Ok::<_, ()>(match column {
                "attributes.list.item.key" => texts(&["http.status", "user"]),
                "attributes.list.item.type" => Some(vec![Box::from([key_type, 0, 0, 0])]),
                "resource" => {
                    texts(&[r#"{"attributes":[["host.name",1,"a"],["service.name",1,"b"]]}"#])
                }
                "scope" => texts(&[r#"{"name":"lib"}"#]),
                _ => None,
            })
        })
        .unwrap()
        .unwrap()
    }

    #[test]
    fn only_columns_that_can_hold_a_wanted_name_are_told() {
        let columns =
            |wanted: &str| names(AttributeType::String as u8).columns(|name| name == wanted);
        assert_eq!(columns("http_status"), ["attributes"]);
        assert_eq!(columns("host_name"), ["resource"]);
        assert_eq!(columns("scope_name"), ["scope"]);
        assert_eq!(columns("observed_timestamp"), ["observed_time_unix_nano"]);
        assert!(columns("status").is_empty());
        // It is a label of the stream.
        assert!(columns("service_name").is_empty());
    }

    #[test]
    fn lists_may_hold_any_name() {
        let names = names(AttributeType::KeyValueList as u8);
        assert_eq!(names.columns(|name| name == "status"), ["attributes"]);
    }

    #[test]
    fn what_is_not_known_excludes_nothing() {
        assert!(MetadataNames::of(|_| Ok::<_, ()>(None)).unwrap().is_none());
    }
}
