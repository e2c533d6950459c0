//! Alerts on connections to the database.

use crate::presets::database::{CONNECTIONS_ACTIVE, CONNECTIONS_MAX};
use crate::promql::Expr;
use crate::stack::exporter::postgres::UP;
use crate::stack::limits::PoolLimit;
use crate::stack::rule::{Alert, Group};
use crate::stack::settings::Settings;

pub(super) fn group(settings: &Settings) -> Group {
    let limits = &settings.limits;
    let used = || Expr::from(&CONNECTIONS_ACTIVE);
    let (nearly_used_up, text) = match limits.pool {
        PoolLimit::FreeShare(share) => (
            // A limit of 0 is one that is not known.
            ((Expr::from(&CONNECTIONS_MAX) - used()) / Expr::from(&CONNECTIONS_MAX).gt(0.0)).lt(share),
            "Only {{ $value | humanizePercentage }} of the pool of {{ $labels.instance }} is free.",
        ),
        PoolLimit::InUse(most) => (used().gt(most), "{{ $value }} connections of {{ $labels.instance }} are in use."),
    };
    Group::new("database")
        .alert(
            Alert::critical("DatabaseConnectionPoolExhaustion", nearly_used_up)
                .pending(&limits.pool_pending)
                .summary("{{ $labels.service }} runs out of database connections")
                .description(text),
        )
        .alert(
            Alert::critical("DatabaseConnectionIssues", Expr::from(&UP).equals(0.0))
                .pending(&limits.database_down)
                .summary("The database is out of reach")
                .description("The exporter {{ $labels.instance }} cannot connect to Postgres."),
        )
}
