//! Keys of requests, for senders that have no sessions (log-core, section 8).

use varve_types::TenantId;
use xxhash_rust::xxh3::Xxh3Default;

/// By what a retry of a request is known again: the key that its sender gave, or else what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestIdentity<'a> {
    /// The value of the `Idempotency-Key` header.
    Named(&'a str),
    /// The body as it came, and what it was said to be.
    Sent {
        /// The endpoint or format.
        format: &'a str,
        /// Still compressed.
        body: &'a [u8],
    },
}

/// The key of a request; never 0. Its records' keys are made of it by [`part_key`].
#[must_use]
pub fn request_key(tenant: &TenantId, identity: RequestIdentity<'_>) -> u128 {
    let mut hash = Xxh3Default::new();
    let mut add = |bytes: &[u8]| {
        // With its length, so that no two lists of parts are the same bytes.
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(tenant.as_str().as_bytes());
    match identity {
        RequestIdentity::Named(key) => {
            add(b"named");
            add(key.as_bytes());
        }
        RequestIdentity::Sent { format, body } => {
            add(format.as_bytes());
            add(body);
        }
    }
    hash.digest128().max(1)
}

/// The key of a part of a request; 0, which is none, for a request without a key.
#[must_use]
pub fn part_key(request_key: u128, part: u32) -> u128 {
    if request_key == 0 {
        return 0;
    }
    request_key.wrapping_add(u128::from(part)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_by_tenant_format_body_and_name() {
        let (a, b) = (TenantId::parse("a").unwrap(), TenantId::parse("b").unwrap());
        let sent = |format, body: &'static [u8]| RequestIdentity::Sent { format, body };
        let keys = [
            request_key(&a, sent("json", b"x")),
            request_key(&b, sent("json", b"x")),
            request_key(&a, sent("proto", b"x")),
            request_key(&a, sent("json", b"y")),
            request_key(&a, RequestIdentity::Named("x")),
            part_key(request_key(&a, sent("json", b"x")), 4),
        ];
        let distinct: std::collections::BTreeSet<u128> = keys.into_iter().collect();
        assert_eq!(distinct.len(), keys.len());
        assert_eq!(keys[0], request_key(&a, sent("json", b"x")));
    }
}
