//! Ranges of addresses, and texts that hold an address of one.

use std::net::IpAddr;

use crate::error::QueryError;

/// Addresses from the first to the last, both of one family.
#[derive(Clone, Copy, Debug)]
pub(super) struct IpRange {
    first: IpAddr,
    last: IpAddr,
}

impl IpRange {
    /// Reads an address, `10.0.0.0/8`, or `10.0.0.1-10.0.0.9`.
    pub(super) fn parse(text: &str) -> Result<Self, QueryError> {
        Self::read(text).ok_or_else(|| {
            QueryError::invalid(format!("parse error : ip: invalid pattern: {text:?}"))
        })
    }

    fn read(text: &str) -> Option<Self> {
        if let Ok(only) = text.parse() {
            return Some(Self { first: only, last: only });
        }
        if let Some((address, bits)) = text.split_once('/') {
            return Self::of_prefix(address.parse().ok()?, bits);
        }
        let (first, last) = text.split_once('-')?;
        let (first, last): (IpAddr, IpAddr) = (first.parse().ok()?, last.parse().ok()?);
        (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self { first, last })
    }

    fn of_prefix(address: IpAddr, bits: &str) -> Option<Self> {
        let is_number = bits.bytes().all(|byte| byte.is_ascii_digit()) && !bits.starts_with("00");
        let bits: u32 = is_number.then(|| bits.parse().ok())??;
        Some(match address {
            IpAddr::V4(address) => {
                let host = u32::MAX.checked_shr(bits).unwrap_or(0);
                let address = u32::from(address);
                let (first, last) = (address & !host, address | host);
                (bits <= 32).then(|| Self {
                    first: IpAddr::V4(first.into()),
                    last: IpAddr::V4(last.into()),
                })?
            }
            IpAddr::V6(address) => {
                let host = u128::MAX.checked_shr(bits).unwrap_or(0);
                let address = u128::from(address);
                let (first, last) = (address & !host, address | host);
                (bits <= 128).then(|| Self {
                    first: IpAddr::V6(first.into()),
                    last: IpAddr::V6(last.into()),
                })?
            }
        })
    }

    /// Whether the text holds an address of the range.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let is_part: fn(&u8) -> bool = if starts_v4(rest) {
                |byte| byte.is_ascii_digit() || *byte == b'.'
            } else if starts_v6(rest) {
                |byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
            } else {
                at += 1;
                continue;
            };
            let end = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
            // Of ASCII alone, so that this is between characters.
            let address = text[at..at + end].parse::<IpAddr>();
            if address.is_ok_and(|address| self.holds(address)) {
                return true;
            }
            // What follows an address does not start one.
            at += end + 1;
        }
        false
    }

    fn holds(&self, address: IpAddr) -> bool {
        // Addresses of different families do not compare as equal or between.
        self.first.is_ipv4() == address.is_ipv4() && self.first <= address && address <= self.last
    }
}

fn starts_v4(text: &[u8]) -> bool {
    matches!(text, [first, rest @ ..]
        if first.is_ascii_digit() && rest.len() >= 3 && rest[..3].contains(&b'.'))
}

fn starts_v6(text: &[u8]) -> bool {
    let at = |index: usize| text.get(index).copied().unwrap_or(0);
    let digits = text.iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
    at(digits) == b':' && (digits > 0 || (at(1) == b':' && at(2).is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(range: &str, text: &str) -> bool {
        IpRange::parse(range).unwrap().is_in(text)
    }

    #[test]
    fn addresses_are_found_between_other_text() {
        assert!(is_in("10.0.1.2", "from 10.0.1.2:5432 to here"));
        assert!(!is_in("10.0.1.2", "from 10.0.1.23 to here"));
        assert!(is_in("2001:db8::/32", "peer=2001:db8::7 up"));
        assert!(!is_in("10.0.0.0/8", "version 1.2.3"));
        assert!(is_in("::1", "connected to ::1"));
        assert!(!is_in("::1", "no address::"));
    }

    #[test]
    fn a_prefix_and_two_ends_hold_all_between() {
        assert!(is_in("192.168.4.0/24", "192.168.4.255"));
        assert!(!is_in("192.168.4.0/24", "192.168.5.0"));
        assert!(is_in("192.168.4.10-192.168.4.99", "x 192.168.4.99"));
        assert!(!is_in("192.168.4.10-192.168.4.99", "x 192.168.4.9"));
        assert!(is_in("0.0.0.0/0", "1.2.3.4"));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in
            ["10.0.0.1-", "10.0.0.0/33", "x", "10.0.0.9-10.0.0.1", "10.0.0.1-::1", "1.2.3.4/08x"]
        {
            let error = IpRange::parse(text).unwrap_err();
            assert_eq!(error.to_string(), format!("parse error : ip: invalid pattern: {text:?}"));
        }
    }
}
