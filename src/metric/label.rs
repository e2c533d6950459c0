//! Labels: closed ones are enums, open ones are text under a cap.

use std::fmt;
use std::marker::PhantomData;

/// One label of a metric: its name, and the values it may have.
///
/// Made by [`label_enum!`](crate::label_enum) for a closed set of values and by
/// [`open_label!`](crate::open_label) for free text, used as [`Open<L>`](Open).
pub trait Label: 'static {
    /// The label's name, in snake case.
    const NAME: &'static str;
    /// Every value of a closed label; `None` for an open one.
    const VALUES: Option<&'static [&'static str]>;
    /// What a caller passes: the enum itself, or `&str`.
    type Value<'a>: Copy;
    /// Turns the caller's value into the part of a series' key.
    fn part<'a>(value: Self::Value<'a>) -> Part<'a>;
}

/// Names an open label; see [`open_label!`](crate::open_label).
pub trait OpenName: 'static {
    /// The label's name, in snake case.
    const NAME: &'static str;
}

/// A label with free text as its value, such as a tenant or a table.
///
/// A metric keeps at most 1,000 values of it by default; what is over goes to the value `overflow`.
pub struct Open<N>(PhantomData<fn() -> N>);

impl<N> fmt::Debug for Open<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}

impl<N: OpenName> Label for Open<N> {
    const NAME: &'static str = N::NAME;
    const VALUES: Option<&'static [&'static str]> = None;
    type Value<'a> = &'a str;
    fn part<'a>(value: Self::Value<'a>) -> Part<'a> {
        Part::Open(value)
    }
}

/// One label's value inside a series' key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// The index of a closed label's value in [`Label::VALUES`].
    Closed(usize),
    /// An open label's text.
    Open(&'a str),
}

/// The name of a label and the values it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LabelInfo {
    /// The label's name.
    pub name: &'static str,
    /// Every value of a closed label; `None` for an open one.
    pub values: Option<&'static [&'static str]>,
}

impl LabelInfo {
    const fn of<L: Label>() -> Self {
        Self { name: L::NAME, values: L::VALUES }
    }
}

/// The labels of a metric: `()` for none, or a tuple of up to six [`Label`]s.
pub trait LabelSet: 'static {
    /// Name and values of each label, in order.
    const LABELS: &'static [LabelInfo];
    /// The labels' names, in order.
    const NAMES: &'static [&'static str];
    /// What a caller passes: a tuple of the labels' values.
    type Values<'a>: Copy;
    /// Hands the parts of a series' key to `read`.
    fn with_parts<R>(values: Self::Values<'_>, read: impl FnOnce(&[Part<'_>]) -> R) -> R;
}

impl LabelSet for () {
    const LABELS: &'static [LabelInfo] = &[];
    const NAMES: &'static [&'static str] = &[];
    type Values<'a> = ();
    fn with_parts<R>((): (), read: impl FnOnce(&[Part<'_>]) -> R) -> R {
        read(&[])
    }
}

macro_rules! label_set {
    ($($label:ident $value:ident),+) => {
        impl<$($label: Label),+> LabelSet for ($($label,)+) {
            const LABELS: &'static [LabelInfo] = &[$(LabelInfo::of::<$label>()),+];
            const NAMES: &'static [&'static str] = &[$($label::NAME),+];
            type Values<'a> = ($($label::Value<'a>,)+);
            fn with_parts<R>(($($value,)+): Self::Values<'_>, read: impl FnOnce(&[Part<'_>]) -> R) -> R {
                read(&[$($label::part($value)),+])
            }
        }
    };
}
label_set!(A a);
label_set!(A a, B b);
label_set!(A a, B b, C c);
label_set!(A a, B b, C c, D d);
label_set!(A a, B b, C c, D d, E e);
label_set!(A a, B b, C c, D d, E e, F f);

/// Declares a closed label: an enum whose variants are the label's only values.
///
/// ```
/// watchkeeper::label_enum! {
///     /// How a parcel left the house.
///     pub enum Carrier: "carrier" {
///         /// By post.
///         Post = "post",
///         /// By bicycle.
///         Bicycle = "bicycle",
///     }
/// }
/// assert_eq!(Carrier::Bicycle.as_str(), "bicycle");
/// ```
#[macro_export]
macro_rules! label_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident: $label:literal {
        $($(#[$variant_meta:meta])* $variant:ident = $value:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $vis enum $name {
            $($(#[$variant_meta])* $variant),+
        }

        impl $name {
            /// Every variant, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the value as it stands in the label.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $value),+
                }
            }
        }

        impl $crate::metric::Label for $name {
            const NAME: &'static str = $label;
            const VALUES: ::core::option::Option<&'static [&'static str]> =
                ::core::option::Option::Some(&[$($value),+]);
            type Value<'a> = Self;
            fn part<'a>(value: Self::Value<'a>) -> $crate::metric::Part<'a> {
                $crate::metric::Part::Closed(value as usize)
            }
        }
    };
}

/// Declares an open label: a name whose value is free text, used as [`Open`](crate::metric::Open)`<Name>`.
///
/// ```
/// watchkeeper::open_label! {
///     /// The warehouse a parcel left.
///     pub struct Warehouse: "warehouse";
/// }
/// ```
#[macro_export]
macro_rules! open_label {
    ($(#[$meta:meta])* $vis:vis struct $name:ident: $label:literal;) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        $vis struct $name;

        impl $crate::metric::OpenName for $name {
            const NAME: &'static str = $label;
        }
    };
}
