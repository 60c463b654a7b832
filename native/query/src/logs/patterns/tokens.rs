//! Lines as tokens: words, and what stands between them.

/// Lines are compared by this many tokens; what follows is one more.
const TOKENS_MAX: usize = 128;

/// What ends a word, and is a token itself.
fn is_delimiter(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '=' | ','
                | ';'
                | '"'
                | '\''
                | '('
                | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '<'
                | '>'
                | '|'
                | '&'
                | '?'
        )
        || c == ':'
}

/// Cuts a line into words and runs of the same delimiter; all tokens together are the line.
pub(super) fn tokens(line: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if tokens.len() == TOKENS_MAX {
            tokens.push(rest);
            break;
        }
        let end =
            if is_delimiter(first) { rest.find(|c| c != first) } else { rest.find(is_delimiter) };
        let (token, after) = rest.split_at(end.unwrap_or(rest.len()));
        tokens.push(token);
        rest = after;
    }
    tokens
}

/// Whether the token is likely to be another in the next line of its kind: it has a digit, is very long,
/// or would be read as a placeholder.
pub(super) fn varies(token: &str) -> bool {
    const WORD_MAX_BYTES: usize = 64;
    token.len() > WORD_MAX_BYTES
        || token.bytes().any(|byte| byte.is_ascii_digit() || matches!(byte, b'<' | b'>'))
}
