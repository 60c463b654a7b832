//! What a search shows of each span: fields that its conditions and `select()` mention.
//!
//! As in Tempo, a field that is only compared is shown where it compares so: `{ .a = 1 } || { .b = 2 }`
//! shows `a` on spans of the first kind and `b` on those of the second.

use std::cell::Cell;

use varve_columnar::answer::{SpanSummary, Value};

use super::{
    condition::Expr,
    fields::SpanAt,
    mask::{Test, leaf},
    operand::Operand,
    show,
    spanset::Spanset,
};
use crate::plan::{AttributeScope, Field, Intrinsic};

/// Fields to show.
pub(super) struct Shown<'e> {
    fields: Vec<ShownField<'e>>,
}

struct ShownField<'e> {
    field: &'e Field,
    key: String,
    when: When<'e>,
    /// Whether a span that was shown has a value; known for sure once all were.
    found: Cell<bool>,
}

enum When<'e> {
    /// Wherever it has a value.
    Always,
    /// Also where it has none, as `nil`, if another span of the answer has one.
    Selected,
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
            uses.plain.extend(value.fields());
        }
        let fields = mentioned.iter().filter_map(|field| {
            let when = uses.take(field);
            Some(ShownField { field, key: key(field)?, when, found: Cell::new(false) })
        });
        Self { fields: fields.collect() }
    }

    /// The fields that are shown, for reading their columns.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().map(|shown| shown.field)
    }

    /// Settles what [`Shown::summary`] had to leave open, after the last span: an attribute that no
    /// span has is not shown at all.
    pub(super) fn settle(&self, span: &mut SpanSummary) {
        let found =
            |key: &str| self.fields.iter().any(|shown| shown.key == key && shown.found.get());
        span.attributes.retain(|(key, value)| *value != Value::Empty || found(key));
        for (_, value) in &mut span.attributes {
            if *value == Value::Empty {
                *value = Operand::Nil.to_value();
            }
        }
    }

    /// One span of an answer. A selected attribute that the span lacks is there as [`Value::Empty`].
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
            When::Always => value,
            When::Selected if value == Operand::Nil => {
                let attribute = matches!(self.field, Field::Attribute { .. });
                return attribute.then_some(Value::Empty);
            }
            When::Selected => {
                self.found.set(true);
                value
            }
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
            // Of several events or links only the first is shown.
            Operand::Many(items) if is_listed(self.field) => items.first().map(Operand::to_value),
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
        if tests.is_empty() { When::Selected } else { When::Compared(tests) }
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

fn is_listed(field: &Field) -> bool {
    match field {
        Field::Attribute { scope, .. } => {
            matches!(scope, Some(AttributeScope::Event | AttributeScope::Link))
        }
        Field::Intrinsic { .. } => true,
    }
}
