use super::*;
use crate::deletes::{LabelMatch, MatchKind};

const HOUR_MS: u64 = 3_600_000;

fn rule(tenant: Option<&str>, app: &str, priority: u32, hours: u64) -> StreamRetention {
    let label = LabelMatch { name: "app".into(), kind: MatchKind::Regex, value: app.into() };
    let kept = Retention { max_age_ms: hours * HOUR_MS, max_bytes: 0 };
    let tenant = tenant.map(|name| TenantId::parse(name).unwrap());
    StreamRetention::new(tenant, Table::Logs, &[label], priority, kept).unwrap()
}

fn settings(streams: Vec<StreamRetention>) -> RetentionSettings {
    let standard = Retention { max_age_ms: 100 * HOUR_MS, max_bytes: 0 };
    RetentionSettings { standard: [(Table::Logs, standard)].into(), streams, ..Default::default() }
}

fn age_of(settings: &RetentionSettings, tenant: &str, app: &str) -> u64 {
    let tenant = TenantId::parse(tenant).unwrap();
    let policy = Policy::of(settings, &tenant, Table::Logs);
    policy.max_age_ms(policy.rule_of(&format!(r#"{{"app":"{app}"}}"#))) / HOUR_MS
}

#[test]
fn of_rules_that_match_the_highest_priority_decides_and_of_equals_the_shortest() {
    let rules =
        vec![rule(None, "dev.*", 1, 24), rule(None, "dev-db", 2, 48), rule(None, "x", 1, 9)];
    let settings = settings(rules);
    assert_eq!(age_of(&settings, "shop", "dev-web"), 24);
    assert_eq!(age_of(&settings, "shop", "dev-db"), 48);
    assert_eq!(age_of(&settings, "shop", "prod"), 100);
    let equals = self::settings(vec![rule(None, "a.*", 1, 7), rule(None, ".*b", 1, 5)]);
    assert_eq!(age_of(&equals, "shop", "ab"), 5);
}

#[test]
fn a_tenant_with_rules_of_its_own_has_none_of_the_others() {
    let mut settings = settings(vec![rule(None, ".*", 9, 1), rule(Some("bank"), "pay", 1, 500)]);
    let bank = TenantId::parse("bank").unwrap();
    let kept = Retention { max_age_ms: 300 * HOUR_MS, max_bytes: 0 };
    settings.tenants.insert((bank, Table::Logs), kept);
    assert_eq!(age_of(&settings, "bank", "pay"), 500);
    assert_eq!(age_of(&settings, "bank", "web"), 300);
    assert_eq!(age_of(&settings, "shop", "pay"), 1);
}

#[test]
fn rows_count_as_due_a_little_before_they_are_but_only_for_who_hides_them() {
    let settings = settings(Vec::new());
    let tenant = TenantId::parse("shop").unwrap();
    let policy = Policy::of(&settings, &tenant, Table::Logs);
    let now_ms = 1_000_000_000;
    let last = |ahead| policy.last_due(HOUR_MS, now_ms, ahead).unwrap();
    assert_eq!(last(Ahead::No), (now_ms - 3_600_000) * 1_000_000 - 1);
    assert_eq!(last(Ahead::Yes) - last(Ahead::No), 60_000 * 1_000_000);
    assert_eq!(policy.last_due(0, now_ms, Ahead::Yes), None);
}

#[test]
fn whatever_the_age_one_looks_twice_in_the_time_that_rows_are_hidden_ahead() {
    let tenant = TenantId::parse("shop").unwrap();
    for age_ms in [1, 1_000, 20_000, 60_000, 299_000, 600_000, HOUR_MS, 1_000 * HOUR_MS] {
        let short = Retention { max_age_ms: age_ms, max_bytes: 0 };
        let mut settings = settings(vec![rule(None, "a", 1, 24)]);
        settings.tenants.insert((tenant.clone(), Table::Spans), short);
        let policy = Policy::of(&settings, &tenant, Table::Spans);
        let last = |now_ms, ahead| policy.last_due(age_ms, now_ms, ahead).unwrap();
        let tick_ms = i64::try_from(tick(&settings).as_millis()).unwrap();
        // What will be due two looks later is hidden now, or all of it.
        let later = last(1_000_000_000 + 2 * tick_ms, Ahead::No).min(1_000_000_000 * 1_000_000 - 1);
        assert!(last(1_000_000_000, Ahead::Yes) >= later, "{age_ms}");
        assert!((1_000..=30_000).contains(&tick_ms), "{age_ms}: {tick_ms}");
    }
    assert_eq!(tick(&RetentionSettings::default()), Duration::from_secs(30));
}
