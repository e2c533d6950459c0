//! When an incident reached what.

use serde::{Deserialize, Serialize};

use super::IncidentStatus;
use crate::timestamp::Timestamp;

/// The times at which an incident reached its states, in their order. Each is set once per pass, and none runs backwards.
///
/// A pass begins when the incident is opened or reopened: that forgets the mitigation, resolution and closing before it.
/// A relapse forgets the mitigation alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Milestones {
    /// When the harm began.
    pub started_at: Timestamp,
    /// When it was noticed.
    pub detected_at: Timestamp,
    /// When somebody began to look for the cause.
    pub acknowledged_at: Option<Timestamp>,
    /// When the harm was stopped.
    pub mitigated_at: Option<Timestamp>,
    /// When it was mended.
    pub resolved_at: Option<Timestamp>,
    /// When it was written up.
    pub closed_at: Option<Timestamp>,
}

impl Milestones {
    /// Begins the first pass; the harm begins no later than it is noticed.
    pub(super) fn new(started_at: Timestamp, now: Timestamp) -> Self {
        Self {
            started_at: started_at.min(now),
            detected_at: now,
            acknowledged_at: None,
            mitigated_at: None,
            resolved_at: None,
            closed_at: None,
        }
    }

    pub(super) fn reach(&mut self, from: IncidentStatus, to: IncidentStatus, reopened: bool, now: Timestamp) {
        if reopened {
            let Self { started_at, detected_at, .. } = *self;
            *self = Self::new(started_at, detected_at);
        }
        if from == IncidentStatus::Mitigated && to == IncidentStatus::Investigating {
            self.mitigated_at = None;
        }
        let milestone = match to {
            IncidentStatus::Investigating => &mut self.acknowledged_at,
            IncidentStatus::Mitigated => &mut self.mitigated_at,
            IncidentStatus::Resolved => &mut self.resolved_at,
            IncidentStatus::Closed => &mut self.closed_at,
            IncidentStatus::Open | IncidentStatus::Cancelled => return,
        };
        milestone.get_or_insert(now);
    }
}
