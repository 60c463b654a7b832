//! Queries: plans (`plan`) executed over snapshots of the views.

pub mod plan;
