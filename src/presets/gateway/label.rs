//! Labels of the gateway's metrics: closed ones are enums, names of the app's own things are open.

crate::open_label! {
    /// The organisation that the request is made for.
    pub struct Organization: "organization";
}

crate::open_label! {
    /// The name of the limit that was hit, such as `per_minute`.
    pub struct Limit: "limit";
}

crate::open_label! {
    /// What was used, such as `api_call`.
    pub struct UsageKind: "kind";
}

crate::open_label! {
    /// The cache's name.
    pub struct Cache: "cache";
}

crate::label_enum! {
    /// What a connection to the gateway speaks.
    pub enum ConnectionKind: "kind" {
        /// HTTP.
        Http = "http",
        /// WebSocket.
        Websocket = "websocket",
    }
}

crate::label_enum! {
    /// Why a request was not let in.
    pub enum AuthFailure: "reason" {
        /// It carried no key.
        MissingKey = "missing_key",
        /// Its key is unknown.
        InvalidKey = "invalid_key",
        /// Its key is no longer valid.
        ExpiredKey = "expired_key",
        /// Its key does not allow what it asked for.
        Forbidden = "forbidden",
    }
}

crate::label_enum! {
    /// What the check of an API key found.
    pub enum KeyValidation: "result" {
        /// The key is good.
        Valid = "valid",
        /// The key is unknown.
        Invalid = "invalid",
        /// The key is no longer valid.
        Expired = "expired",
    }
}

crate::label_enum! {
    /// What a look into a cache found.
    pub enum CacheResult: "result" {
        /// The entry was there.
        Hit = "hit",
        /// It was not.
        Miss = "miss",
    }
}
