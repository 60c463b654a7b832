use std::cell::RefCell;

use super::*;

/// Empty; remembers what it was asked for, and refuses to be asked bit by bit.
#[derive(Default)]
struct Asked(RefCell<Vec<Vec<(String, Table)>>>);

impl Sources for Asked {
    fn snapshot(&self, tenant: &TenantId, table: Table) -> Snapshot {
        panic!("asked for {table:?} of {tenant} alone")
    }

    fn snapshots(&self, of: &[(TenantId, Table)]) -> Vec<Snapshot> {
        let of = of.iter().map(|(tenant, table)| (tenant.to_string(), *table));
        let of: Vec<_> = of.collect();
        let snapshots = of.iter().map(|_| Snapshot::default()).collect();
        self.0.borrow_mut().push(of);
        snapshots
    }
}

#[test]
fn all_tables_of_all_tenants_are_read_at_one_instant() {
    let query: Query = serde_json::from_value(serde_json::json!({
        "tenants": ["shop", "bank"],
        "plan": { "node": "logTotals", "matchers": [], "range": { "from": "0", "to": "1" } },
        "answer": "loki",
        "budget": { "deadlineMs": 1_000, "memoryMaxBytes": 1_000, "seriesMax": 1, "samplesMax": 1 },
    }))
    .unwrap();
    let asked = Asked::default();
    crate::run(&query, &asked, &CancelToken::default()).unwrap();
    let both = ["shop", "bank"].map(|tenant| (tenant.to_owned(), Table::Logs)).to_vec();
    assert_eq!(asked.0.into_inner(), [both]);
}
