//! What a statement's filters say about where rows can be.

use datafusion::{
    logical_expr::{BinaryExpr, Expr, Like, Operator, expr::InList, utils::split_conjunction},
    scalar::ScalarValue,
};
use varve_types::shown_id;
use varve_view::Wanted;

use crate::{
    label_sets::columns_for,
    tables::{BODY, SqlTable, TIME, TRACE_ID},
    wanted::wanted,
};

/// A trace's id.
pub(crate) type TraceId = [u8; 16];

/// Nanoseconds since the epoch, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeBounds {
    pub(crate) from_ns: i64,
    pub(crate) to_ns: i64,
}

impl TimeBounds {
    const ANY: Self = Self { from_ns: i64::MIN, to_ns: i64::MAX };
    const NONE: Self = Self { from_ns: i64::MAX, to_ns: i64::MIN };

    fn and(self, other: Self) -> Self {
        let from_ns = self.from_ns.max(other.from_ns);
        Self { from_ns, to_ns: self.to_ns.min(other.to_ns) }
    }

    /// Whether a time from the first to the last (both included) can be within.
    pub(crate) fn overlap(self, (first, last): (i64, i64)) -> bool {
        self.from_ns <= self.to_ns && first <= self.to_ns && self.from_ns <= last
    }

    /// Whether all times from the first to the last are within.
    pub(crate) fn hold(self, (first, last): (i64, i64)) -> bool {
        self.from_ns <= first && last <= self.to_ns
    }
}

/// Filters that all must hold, by what they are good for.
#[derive(Debug)]
pub(crate) struct Conditions {
    /// No row outside of it is wanted.
    pub(crate) times: TimeBounds,
    /// No row of another trace is wanted; `None`: of any, or none.
    pub(crate) trace_ids: Option<Vec<TraceId>>,
    /// What else every row has that is wanted, as far as filters of segments know it.
    pub(crate) values: Vec<Wanted>,
    /// Of each entry's texts one must be in the body.
    pub(crate) needles: Vec<Vec<String>>,
    /// Those that only look at columns which all rows of a label set share.
    pub(crate) of_label_sets: Vec<Expr>,
    /// Those that `times` says in full.
    pub(crate) of_times: Vec<Expr>,
    /// The others.
    pub(crate) of_rows: Vec<Expr>,
}

impl Conditions {
    pub(crate) fn of(table: SqlTable, filters: &[Expr]) -> Self {
        let mut conditions = Self {
            times: TimeBounds::ANY,
            trace_ids: None,
            values: Vec::new(),
            needles: Vec::new(),
            of_label_sets: Vec::new(),
            of_times: Vec::new(),
            of_rows: Vec::new(),
        };
        for filter in filters.iter().flat_map(split_conjunction) {
            conditions.add(table, filter);
        }
        conditions
    }

    fn add(&mut self, table: SqlTable, filter: &Expr) {
        if let Some(bounds) = time_bounds(filter) {
            self.times = self.times.and(bounds);
            self.of_times.push(filter.clone());
            return;
        }
        if is_of_label_sets(table, filter) {
            self.of_label_sets.push(filter.clone());
            return;
        }
        self.of_rows.push(filter.clone());
        self.values.extend(wanted(table, filter));
        match table {
            SqlTable::Samples => {}
            SqlTable::Spans => self.add_trace_ids(filter),
            SqlTable::Logs => {
                self.add_trace_ids(filter);
                self.needles.extend(needles(filter));
            }
        }
    }

    fn add_trace_ids(&mut self, filter: &Expr) {
        let Some(ids) = trace_ids(filter) else { return };
        self.trace_ids = Some(match self.trace_ids.take() {
            Some(before) => before.into_iter().filter(|id| ids.contains(id)).collect(),
            None => ids,
        });
    }
}

fn is_column(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Column(column) if column.name == name)
}

pub(crate) fn text_of(expr: &Expr) -> Option<&str> {
    let Expr::Literal(value, _) = expr else { return None };
    match value {
        ScalarValue::Dictionary(_, value) => value.try_as_str().flatten(),
        value => value.try_as_str().flatten(),
    }
}

fn is_of_label_sets(table: SqlTable, filter: &Expr) -> bool {
    if table.label_set_column().is_none() {
        return false;
    }
    let columns = filter.column_refs();
    !columns.is_empty()
        && columns.iter().all(|one| columns_for(table).any(|column| column.name == one.name))
}

/// What a filter says of the time, if it says nothing else.
fn time_bounds(filter: &Expr) -> Option<TimeBounds> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_column(left, TIME) => {
            bounds(*op, time_of(right)?)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_column(right, TIME) => {
            bounds(op.swap()?, time_of(left)?)
        }
        Expr::Between(between) if !between.negated && is_column(&between.expr, TIME) => {
            Some(TimeBounds { from_ns: time_of(&between.low)?, to_ns: time_of(&between.high)? })
        }
        _ => None,
    }
}

fn time_of(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::TimestampNanosecond(time, _), _) => *time,
        _ => None,
    }
}

fn bounds(op: Operator, time: i64) -> Option<TimeBounds> {
    let any = TimeBounds::ANY;
    Some(match op {
        Operator::Eq => TimeBounds { from_ns: time, to_ns: time },
        Operator::GtEq => TimeBounds { from_ns: time, ..any },
        Operator::LtEq => TimeBounds { to_ns: time, ..any },
        Operator::Gt => {
            time.checked_add(1).map_or(TimeBounds::NONE, |from_ns| TimeBounds { from_ns, ..any })
        }
        Operator::Lt => {
            time.checked_sub(1).map_or(TimeBounds::NONE, |to_ns| TimeBounds { to_ns, ..any })
        }
        _ => return None,
    })
}

/// The traces whose rows the filter can be true for; `None` if it does not say.
fn trace_ids(filter: &Expr) -> Option<Vec<TraceId>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let text = match (is_column(left, TRACE_ID), is_column(right, TRACE_ID)) {
                (true, _) => text_of(right)?,
                (_, true) => text_of(left)?,
                _ => return None,
            };
            Some(shown_id(text).into_iter().collect())
        }
        Expr::InList(InList { expr, list, negated: false }) if is_column(expr, TRACE_ID) => {
            let texts: Option<Vec<_>> = list.iter().map(text_of).collect();
            Some(texts?.into_iter().filter_map(shown_id).collect())
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let mut ids = trace_ids(left)?;
            ids.extend(trace_ids(right)?);
            Some(ids)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            trace_ids(left).or_else(|| trace_ids(right))
        }
        _ => None,
    }
}

/// Texts that the body must hold for the filter to be true: of each entry one.
fn needles(filter: &Expr) -> Vec<Vec<String>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            let mut all = needles(left);
            all.extend(needles(right));
            all
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            // One entry of each side is enough to know where rows can be.
            match (needles(left).into_iter().next(), needles(right).into_iter().next()) {
                (Some(mut one), Some(other)) => {
                    one.extend(other);
                    vec![one]
                }
                _ => Vec::new(),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) if is_column(left, BODY) => {
            single(text_of(right))
        }
        Expr::Like(like) if is_column(&like.expr, BODY) => like_needles(like),
        Expr::ScalarFunction(call) if call.args.first().is_some_and(|one| is_column(one, BODY)) => {
            match call.func.name() {
                "contains" | "starts_with" | "ends_with" => {
                    single(call.args.get(1).and_then(text_of))
                }
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

fn single(text: Option<&str>) -> Vec<Vec<String>> {
    text.filter(|text| !text.is_empty()).map(|text| vec![text.to_owned()]).into_iter().collect()
}

fn like_needles(like: &Like) -> Vec<Vec<String>> {
    let is_plain = !like.negated && !like.case_insensitive && like.escape_char.is_none();
    let Some(pattern) = text_of(&like.pattern).filter(|_| is_plain) else { return Vec::new() };
    let mut texts = vec![String::new()];
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        match char {
            '%' | '_' => texts.push(String::new()),
            '\\' => push(&mut texts, chars.next().unwrap_or('\\')),
            other => push(&mut texts, other),
        }
    }
    texts.into_iter().filter(|text| !text.is_empty()).map(|text| vec![text]).collect()
}

fn push(texts: &mut [String], char: char) {
    if let Some(text) = texts.last_mut() {
        text.push(char);
    }
}

#[cfg(test)]
mod tests;
