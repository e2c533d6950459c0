//! The roles of callers: each may do what the one before it may.

use crate::named::named_enum;

named_enum! {
    /// What a caller may do; a later role may do everything that an earlier one may.
    pub enum Role: "role" {
        /// Creates events, samples and incidents, and sees those of its own.
        User = "user",
        /// Sees and manages everybody's.
        Moderator = "moderator",
        /// Changes the configuration and runs tasks.
        Admin = "admin",
    }
}
