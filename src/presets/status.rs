//! The status that most metrics of finished work share: success or error.

crate::label_enum! {
    /// How a piece of work ended.
    pub enum Status: "status" {
        /// It did what it was meant to.
        Success = "success",
        /// It did not.
        Error = "error",
    }
}

impl Status {
    /// Reads the status off a result.
    ///
    /// ```
    /// use watchkeeper::presets::Status;
    ///
    /// assert_eq!(Status::of(&"12".parse::<u8>()), Status::Success);
    /// assert_eq!(Status::of(&"twelve".parse::<u8>()), Status::Error);
    /// ```
    pub const fn of<T, E>(result: &Result<T, E>) -> Self {
        match result {
            Ok(_) => Self::Success,
            Err(_) => Self::Error,
        }
    }
}
