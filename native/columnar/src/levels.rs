//! The levels of log records.

/// The lower-case name of a level that senders spell in many ways; other texts stay as they are.
#[must_use]
pub fn normal_level(text: &str) -> &str {
    known_level(text).unwrap_or(text)
}

/// The lower-case name of a level that senders spell in many ways; `None` for other texts.
#[must_use]
pub fn known_level(text: &str) -> Option<&'static str> {
    const SPELLINGS: [(&str, &[&str]); 7] = [
        ("trace", &["trace", "trc"]),
        ("debug", &["debug", "dbg"]),
        ("info", &["info", "inf", "information"]),
        ("warn", &["warn", "wrn", "warning"]),
        ("error", &["error", "err"]),
        ("critical", &["critical"]),
        ("fatal", &["fatal"]),
    ];
    let is_spelled = |spelling: &&str| spelling.eq_ignore_ascii_case(text);
    SPELLINGS.into_iter().find(|(_, all)| all.iter().any(is_spelled)).map(|(level, _)| level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_brought_together_and_other_texts_left_alone() {
        let texts = ["WARNING", "Err", "inf", "CRITICAL", "notice", ""].map(normal_level);
        assert_eq!(texts, ["warn", "error", "info", "critical", "notice", ""]);
    }
}
