//! Which attributes spans have, by scope.

use std::{collections::BTreeSet, ops::ControlFlow};

use arrow::array::Array as _;
use varve_columnar::answer::{Answer, TagScope};

use super::{
    absent::names_with_column,
    condition::Expr,
    fields::{SpanAt, list_columns, shared},
    matching::{by_batches, by_columns, by_traces, is_columnar},
    show,
    spans::{SUMMARY_COLUMNS, SpanColumns},
    trace::SpanRef,
};
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{AttributeScope, FieldExpr, TimeRange},
};

/// In the order they are listed.
const SCOPES: [AttributeScope; 5] = [
    AttributeScope::Resource,
    AttributeScope::Span,
    AttributeScope::Event,
    AttributeScope::Link,
    AttributeScope::Instrumentation,
];

/// Every intrinsic under all of its names, sorted; which there are depends on the language, not on
/// what is stored.
const INTRINSICS: [&str; 25] = [
    "duration",
    "event:name",
    "event:timeSinceStart",
    "instrumentation:name",
    "instrumentation:version",
    "kind",
    "link:spanID",
    "link:traceID",
    "name",
    "rootName",
    "rootServiceName",
    "span:duration",
    "span:id",
    "span:kind",
    "span:name",
    "span:parentID",
    "span:status",
    "span:statusMessage",
    "status",
    "statusMessage",
    "trace:duration",
    "trace:id",
    "trace:rootName",
    "trace:rootService",
    "traceDuration",
];

/// Names of one scope, or of every scope and the intrinsics.
pub(crate) fn run(
    context: &ExecContext,
    scope: Option<AttributeScope>,
    filter: Option<&FieldExpr>,
    range: TimeRange,
    limit: u32,
) -> Result<Answer, QueryError> {
    let filter = filter.map(Expr::compile).transpose()?;
    let filter = filter.as_ref();
    let wanted: Vec<AttributeScope> =
        SCOPES.into_iter().filter(|one| scope.is_none_or(|scope| scope == *one)).collect();
    let columns = columns(&wanted, filter);
    let mut names = vec![BTreeSet::new(); wanted.len()];
    let mut visit = |span: SpanRef<'_>, _: Option<SpanAt<'_>>| {
        for (scope, names) in wanted.iter().zip(&mut names) {
            each_name(span, *scope, |name| {
                if !names.contains(name) {
                    names.insert(name.to_owned());
                }
            });
        }
        ControlFlow::Continue(())
    };
    // As in Tempo, a filter does not hide attributes that have a column of their own.
    let mut with_column: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); wanted.len()];
    let mut each = |columns: &SpanColumns| {
        for (scope, names) in wanted.iter().zip(&mut with_column) {
            for name in names_with_column(*scope) {
                if !names.contains(name) && is_among(columns, *scope, name) {
                    names.insert(name);
                }
            }
        }
    };
    if filter.is_none() {
        by_columns(context, filter, range, &columns, &mut visit)?;
    } else if is_columnar(filter)? {
        by_batches(context, filter, range, &columns, &mut each, &mut visit)?;
    } else {
        by_traces(context, filter, range, &columns, &mut visit)?;
    }
    for (names, more) in names.iter_mut().zip(with_column) {
        names.extend(more.into_iter().map(str::to_owned));
    }
    let limit = if limit == 0 { usize::MAX } else { limit as usize };
    let mut tags: Vec<TagScope> = wanted
        .iter()
        .zip(names)
        .filter(|(_, names)| !names.is_empty())
        .map(|(scope, names)| TagScope {
            scope: show::scope(*scope),
            tags: names.into_iter().take(limit).collect(),
        })
        .collect();
    if scope.is_none() {
        let intrinsics = INTRINSICS.map(str::to_owned).into();
        tags.push(TagScope { scope: "intrinsic", tags: intrinsics });
    }
    Ok(Answer::Tags(tags))
}

fn columns(wanted: &[AttributeScope], filter: Option<&Expr>) -> Vec<&'static str> {
    let mut columns = SUMMARY_COLUMNS.to_vec();
    let fields = filter.map(Expr::fields).unwrap_or_default();
    let has = |column| fields.iter().any(|field| list_columns(field).contains(&column));
    if wanted.contains(&AttributeScope::Event) || has("events") {
        columns.push("events");
    }
    if wanted.contains(&AttributeScope::Link) || has("links") {
        columns.push("links");
    }
    columns
}

/// Whether some span of a batch may have the attribute.
fn is_among(columns: &SpanColumns, scope: AttributeScope, name: &str) -> bool {
    match scope {
        AttributeScope::Span => columns.attributes.key_texts().iter().any(|key| key == Some(name)),
        AttributeScope::Resource => (0..columns.resources.texts.texts.len())
            .any(|key| shared(&columns.resources.distinct(key).attributes, name).is_some()),
        AttributeScope::Event | AttributeScope::Link | AttributeScope::Instrumentation => false,
    }
}

fn each_name(span: SpanRef<'_>, scope: AttributeScope, mut name: impl FnMut(&str)) {
    let (columns, row) = (span.columns, span.row);
    match scope {
        AttributeScope::Resource => {
            let resource = columns.resources.get(row);
            let attributes = resource.map(|resource| &resource.attributes);
            attributes.into_iter().flatten().for_each(|(key, ..)| name(key));
        }
        AttributeScope::Span => columns.attributes.row(row).for_each(|one| name(one.key)),
        AttributeScope::Instrumentation => {
            let attributes = columns.scopes.get(row).map(|scope| &scope.attributes);
            attributes.into_iter().flatten().for_each(|(key, ..)| name(key));
        }
        AttributeScope::Event => {
            if let Some(events) = &columns.events {
                let lists = events.of(row).flat_map(|at| events.attributes.row(at));
                lists.for_each(|one| name(one.key));
            }
        }
        AttributeScope::Link => {
            if let Some(links) = &columns.links {
                let lists = links.of(row).flat_map(|at| links.attributes.row(at));
                lists.for_each(|one| name(one.key));
            }
        }
    }
}
