//! What a search shows of each span: fields that its conditions and `select()` mention.
//!
//! As in Tempo, a field that is only compared is shown where it compares so: `{ .a = 1 } || { .b = 2 }`
//! shows `a` on spans of the first kind and `b` on those of the second.

use varve_columnar::answer::{SpanSummary, Value};

use super::{
    absent::{instead, is_listed},
    condition::Expr,
    fields::SpanAt,
    mask::{Test, leaf},
    operand::Operand,
    show,
    spanset::Spanset,
};
use crate::plan::{Field, Intrinsic};

/// Fields to show.
pub(super) struct Shown<'e> {
    fields: Vec<ShownField<'e>>,
}

struct ShownField<'e> {
    field: &'e Field,
    key: String,
    when: When<'e>,
}

enum When<'e> {
    /// Wherever it has a value, or something stands for one.
    Always,
    /// Where one of the comparisons with it holds.
    Compared(Vec<Test<'e>>),
}

impl<'e> Shown<'e> {
    /// From all fields that a query mentions, in the order of their first mention.
    pub(super) fn new(spanset: &'e Spanset, mentioned: &'e [Field]) -> Self {
        let mut uses = Uses::default();
        for condition in spanset.conditions() {
            uses.add(condition);
        }
        for value in spanset.values() {
            uses.add(value);
        }
        let fields = mentioned.iter().filter_map(|field| {
            let when = uses.take(field);
            Some(ShownField { field, key: key(field)?, when })
        });
        Self { fields: fields.collect() }
    }

    /// The fields that are shown, for reading their columns.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().map(|shown| shown.field)
    }

    /// One span of an answer.
    pub(super) fn summary(&self, at: SpanAt<'_>) -> SpanSummary {
        let span = at.span();
        let mut name = None;
        let mut attributes: Vec<(String, Value)> = Vec::with_capacity(self.fields.len());
        for shown in &self.fields {
            let Some(value) = shown.value(at) else { continue };
            if is_name(shown.field) {
                name = Some(span.name().to_owned());
            } else if attributes.iter().all(|(key, _)| *key != shown.key) {
                attributes.push((shown.key.clone(), value));
            }
        }
        SpanSummary {
            span_id: span.id(),
            name,
            start_unix_nano: span.start_unix_nano(),
            duration_ns: span.duration_ns() as u64,
            attributes,
        }
    }
}

impl ShownField<'_> {
    fn value(&self, at: SpanAt<'_>) -> Option<Value> {
        let value = at.field(self.field);
        let kept = match &self.when {
            When::Always if value == Operand::Nil => instead(self.field),
            When::Always => value,
            When::Compared(tests) => {
                let met = |value: &Operand<'_>| tests.iter().any(|test| test(value));
                if value == Operand::Nil {
                    return met(&value).then(|| value.to_value());
                }
                Operand::many(value.each().iter().filter(|one| met(one)).cloned())
            }
        };
        match kept {
            Operand::Nil => None,
            // Of several events or links only the last is shown.
            Operand::Many(items) if is_listed(self.field) => items.last().map(Operand::to_value),
            other => Some(other.to_value()),
        }
    }
}

/// How conditions use fields.
#[derive(Default)]
struct Uses<'e> {
    compared: Vec<(&'e Field, Test<'e>)>,
    plain: Vec<&'e Field>,
}

impl<'e> Uses<'e> {
    fn add(&mut self, condition: &'e Expr) {
        if let (false, Some(comparison)) = (matches!(condition, Expr::Field(_)), leaf(condition)) {
            self.compared.push(comparison);
            return;
        }
        match condition {
            Expr::And(left, right) | Expr::Or(left, right) => {
                self.add(left);
                self.add(right);
            }
            Expr::Not(input) => self.add(input),
            other => self.plain.extend(other.fields()),
        }
    }

    fn take(&mut self, field: &Field) -> When<'e> {
        if self.plain.contains(&field) {
            return When::Always;
        }
        let of_field = self.compared.extract_if(.., |(compared, _)| *compared == field);
        let tests: Vec<_> = of_field.map(|(_, test)| test).collect();
        if tests.is_empty() { When::Always } else { When::Compared(tests) }
    }
}

/// Under which name a field is shown; `None` for what every answer tells anyway.
fn key(field: &Field) -> Option<String> {
    match field {
        Field::Attribute { name, .. } => Some(name.clone()),
        Field::Intrinsic {
            name:
                Intrinsic::Duration
                | Intrinsic::SpanId
                | Intrinsic::TraceId
                | Intrinsic::TraceDuration
                | Intrinsic::RootName
                | Intrinsic::RootServiceName,
        } => None,
        Field::Intrinsic { name } => Some(show::intrinsic(*name).to_owned()),
    }
}

fn is_name(field: &Field) -> bool {
    *field == Field::Intrinsic { name: Intrinsic::Name }
}
