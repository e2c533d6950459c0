//! The store in Postgres keeps the law.

use super::cluster::fresh;

watchkeeper::store_laws!(postgres, fresh().await);
