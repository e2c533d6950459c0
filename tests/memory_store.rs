//! The store in memory keeps the law.

use watchkeeper::store::{Memory, Parts};

watchkeeper::store_laws!(memory, Memory::new());

// Parts pass everything on.
watchkeeper::store_laws!(parts, Parts::new());
