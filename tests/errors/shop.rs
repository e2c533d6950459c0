//! The shop's errors, as a real error tracker has them.
