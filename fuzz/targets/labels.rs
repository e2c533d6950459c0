//! The labels of fuzzed metrics, and values for them.

use watchkeeper::metric::{LabelSet, Open};
use watchkeeper::sanitise::label_value;

use super::entropy::Entropy;

watchkeeper::label_enum! {
    /// A closed label with values that must be escaped.
    pub enum Carrier: "carrier" {
        Post = "post", Quote = "a\"b", Slash = "a\\", Line = "a\nb", Both = "\\n\\\"", Empty = "", Wide = "漢 é🚲",
    }
}
watchkeeper::open_label! {
    /// An open label.
    pub struct Depot: "depot";
}
watchkeeper::open_label! {
    /// Another one.
    pub struct Tenant: "tenant";
}

/// A value for every label there is; a metric takes those that it has.
pub struct Picked {
    carrier: Carrier,
    depot: String,
    tenant: String,
}

/// Labels whose values can be picked, and what a scrape must show of them.
pub trait Labelled: LabelSet {
    fn values(picked: &Picked) -> Self::Values<'_>;
    fn pairs(picked: &Picked) -> Vec<(&'static str, String)>;
}

macro_rules! labelled {
    ($($label:ty: $name:literal, $picked:ident => $value:expr, $text:expr;)+) => {
        impl Labelled for ($($label,)+) {
            fn values(picked: &Picked) -> Self::Values<'_> {
                ($({ let $picked = picked; $value },)+)
            }
            fn pairs(picked: &Picked) -> Vec<(&'static str, String)> {
                vec![$(($name, { let $picked = picked; $text.into() }),)+]
            }
        }
    };
}

impl Labelled for () {
    fn values(_: &Picked) {}
    fn pairs(_: &Picked) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}
labelled! { Carrier: "carrier", p => p.carrier, p.carrier.as_str(); }
labelled! { Open<Depot>: "depot", p => &*p.depot, label_value(&p.depot); }
labelled! {
    Carrier: "carrier", p => p.carrier, p.carrier.as_str();
    Open<Depot>: "depot", p => &*p.depot, label_value(&p.depot);
}
labelled! {
    Open<Tenant>: "tenant", p => &*p.tenant, label_value(&p.tenant);
    Open<Depot>: "depot", p => &*p.depot, label_value(&p.depot);
}

impl Picked {
    pub fn out_of(entropy: &mut Entropy<'_>) -> Self {
        let long = if entropy.once_in(16) { 200 } else { 6 };
        Self { carrier: entropy.of(Carrier::ALL), depot: entropy.text(long), tenant: entropy.text(4) }
    }
}
