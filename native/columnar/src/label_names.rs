//! Names of labels made from the names of attributes.

use std::borrow::Cow;

/// The label name that Loki makes of an attribute's name: ASCII letters and digits stay, each run of
/// anything else becomes one `_`, and `key_` comes before a leading digit. Names that start and end
/// with `__` keep both. `None` if nothing but underscores is left, which no label may be called.
#[must_use]
pub fn loki_label_name(name: &str) -> Option<Cow<'_, str>> {
    let is_reserved = name.len() >= 4 && name.starts_with("__") && name.ends_with("__");
    let inner = if is_reserved { &name[2..name.len() - 2] } else { name };
    let is_clean = inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !inner.contains("__")
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if is_clean {
        return name.contains(|c| c != '_').then_some(Cow::Borrowed(name));
    }
    let mut out = String::with_capacity(name.len() + 4);
    if is_reserved {
        out.push_str("__");
    } else if inner.starts_with(|first: char| first.is_ascii_digit()) {
        out.push_str("key_");
    }
    let mut is_after_gap = false;
    for character in inner.chars() {
        if character.is_ascii_alphanumeric() {
            out.push(character);
            is_after_gap = false;
        } else if !is_after_gap {
            out.push('_');
            is_after_gap = true;
        }
    }
    if is_reserved {
        out.push_str("__");
    }
    out.contains(|c| c != '_').then_some(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_what_loki_makes_of_them() {
        let cases = [
            ("http.method", Some("http_method")),
            ("a..b__c", Some("a_b_c")),
            ("1st", Some("key_1st")),
            ("__name__", Some("__name__")),
            ("größe", Some("gr_e")),
            ("plain_1", Some("plain_1")),
            ("._-", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(loki_label_name(name).as_deref(), expected, "{name}");
        }
    }
}
