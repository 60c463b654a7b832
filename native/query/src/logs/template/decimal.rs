//! Numbers by their decimal digits, so that 0.1 + 0.2 is 0.3.

/// `digits` · 10^-`scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: i128,
    scale: u32,
}

/// More digits behind the point are not kept.
const SCALE_MAX: u32 = 36;
/// A quotient's digits behind the point.
const QUOTIENT_SCALE: u32 = 16;

impl Decimal {
    /// The number as its shortest digits say it; `None` where it is none or has too many.
    pub(super) fn of(number: f64) -> Option<Self> {
        let text = number.is_finite().then(|| format!("{number}"))?;
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let scale = u32::try_from(fraction.len()).ok().filter(|&scale| scale <= SCALE_MAX)?;
        Some(Self { digits: format!("{whole}{fraction}").parse().ok()?, scale })
    }

    /// The nearest float.
    pub(super) fn to_f64(self) -> f64 {
        format!("{}e-{}", self.digits, self.scale).parse().unwrap_or(f64::NAN)
    }

    pub(super) fn add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let digits = self.scaled(scale)?.checked_add(other.scaled(scale)?)?;
        Some(Self { digits, scale })
    }

    pub(super) fn subtract(self, other: Self) -> Option<Self> {
        self.add(Self { digits: other.digits.checked_neg()?, scale: other.scale })
    }

    pub(super) fn multiply(self, other: Self) -> Option<Self> {
        let scale = (self.scale + other.scale <= SCALE_MAX).then_some(self.scale + other.scale)?;
        Some(Self { digits: self.digits.checked_mul(other.digits)?, scale })
    }

    /// The quotient, rounded half away from zero; `None` for a division by 0.
    pub(super) fn divide(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let dividend = self.scaled(scale)?.checked_mul(10_i128.pow(QUOTIENT_SCALE))?;
        let divisor = other.scaled(scale)?;
        let quotient = dividend.checked_div(divisor)?;
        let rest = (dividend % divisor).checked_mul(2)?.checked_abs()?;
        let away = if (dividend < 0) == (divisor < 0) { 1 } else { -1 };
        let is_up = rest >= divisor.checked_abs()?;
        Some(Self { digits: quotient + if is_up { away } else { 0 }, scale: QUOTIENT_SCALE })
    }

    /// The digits with so many behind the point.
    fn scaled(self, scale: u32) -> Option<i128> {
        self.digits.checked_mul(10_i128.checked_pow(scale - self.scale)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(number: f64) -> Decimal {
        Decimal::of(number).unwrap()
    }

    #[test]
    fn sums_and_products_are_exact() {
        assert_eq!(decimal(0.1).add(decimal(0.2)).unwrap().to_f64().to_string(), "0.3");
        assert_eq!(decimal(613.34).subtract(decimal(1.0)).unwrap().to_f64().to_string(), "612.34");
        assert_eq!(decimal(1.1).multiply(decimal(-3.0)).unwrap().to_f64().to_string(), "-3.3");
    }

    #[test]
    fn quotients_have_sixteen_digits_behind_the_point() {
        let quotient = |a, b| decimal(a).divide(decimal(b)).unwrap().to_f64().to_string();
        assert_eq!(quotient(613.34, 4.0), "153.335");
        assert_eq!(quotient(2.0, 3.0), "0.6666666666666667");
        assert_eq!(quotient(-2.0, 3.0), "-0.6666666666666667");
        assert_eq!(decimal(1.0).divide(decimal(0.0)), None);
    }

    #[test]
    fn what_does_not_fit_is_none() {
        assert_eq!(Decimal::of(1e300), None);
        assert_eq!(Decimal::of(f64::NAN), None);
        assert_eq!(decimal(1e30).multiply(decimal(1e30)), None);
    }
}
