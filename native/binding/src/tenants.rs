//! The tenants that have sent something since the start.

use std::{collections::HashMap, sync::Arc};

use jiff::tz::TimeZone;
use parking_lot::Mutex;
use serde::Serialize;
use varve_types::TenantId;
use varve_wire::decode::{ActiveCount, Limits, MetricTranslation, Tenant};

/// Past so many names the idle ones are forgotten: a sender that invents names must not fill the memory.
const KNOWN_MAX: usize = 10_000;

/// Each tenant once, with its own limits or everybody's.
pub(crate) struct Tenants {
    limits: Limits,
    tenant_limits: HashMap<String, Limits>,
    syslog_zone: TimeZone,
    metrics: Arc<MetricTranslation>,
    known: Mutex<HashMap<TenantId, Arc<Tenant>>>,
}

impl Tenants {
    pub(crate) fn new(
        limits: Limits,
        tenant_limits: HashMap<String, Limits>,
        syslog_zone: TimeZone,
        metrics: MetricTranslation,
    ) -> Self {
        let metrics = Arc::new(metrics);
        Self { limits, tenant_limits, syslog_zone, metrics, known: Mutex::default() }
    }

    pub(crate) fn get(&self, tenant: &TenantId, now_ms: i64) -> Arc<Tenant> {
        let mut known = self.known.lock();
        if known.len() >= KNOWN_MAX && !known.contains_key(tenant) {
            known.retain(|_, tenant| is_active(tenant, now_ms));
        }
        let found = known.entry(tenant.clone()).or_insert_with(|| {
            let own = self.tenant_limits.get(tenant.as_str());
            let zone = self.syslog_zone.clone();
            let tenant = Tenant::new(*own.unwrap_or(&self.limits)).with_syslog_zone(zone);
            Arc::new(tenant.with_metrics(Arc::clone(&self.metrics)))
        });
        Arc::clone(found)
    }

    /// Those of which something is active.
    pub(crate) fn active(&self, now_ms: i64) -> Vec<TenantActivity> {
        let known = self.known.lock();
        let active = known.iter().filter(|(_, tenant)| is_active(tenant, now_ms));
        active
            .map(|(name, tenant)| {
                let (streams, series) = (tenant.streams(now_ms), tenant.series(now_ms));
                TenantActivity {
                    tenant: name.to_string(),
                    streams: streams.active,
                    streams_max: streams.max,
                    series: series.active,
                    series_max: series.max,
                }
            })
            .collect()
    }
}

/// `TenantActivity` of `native/status.ts`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TenantActivity {
    tenant: String,
    streams: usize,
    streams_max: usize,
    series: usize,
    series_max: usize,
}

/// Sentences about the limits that a tenant comes near to.
pub(crate) fn warnings(tenant: &Tenant, now_ms: i64) -> Vec<String> {
    let near = |count: ActiveCount, what: &str| {
        count.is_near.then(|| {
            format!("{} active {what}, near limits.{what}_max = {}", count.active, count.max)
        })
    };
    [near(tenant.streams(now_ms), "streams"), near(tenant.series(now_ms), "series")]
        .into_iter()
        .flatten()
        .collect()
}

fn is_active(tenant: &Tenant, now_ms: i64) -> bool {
    tenant.streams(now_ms).active + tenant.series(now_ms).active > 0
}
