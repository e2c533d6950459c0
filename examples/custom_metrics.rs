//! An app's own group of metrics beside the ready-made ones: `cargo run --example custom_metrics`.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use watchkeeper::metric::{
    CounterDesc, CounterFamily, Format, HistogramDesc, HistogramFamily, Open, RegisterError, Registry, Tracked,
    UpDownDesc, UpDownFamily,
};
use watchkeeper::presets::{Presets, Status};

watchkeeper::label_enum! {
    /// How a parcel leaves the house.
    pub enum Carrier: "carrier" {
        /// By post.
        Post = "post",
        /// By bicycle.
        Bicycle = "bicycle",
    }
}

watchkeeper::open_label! {
    /// The town a parcel goes to: any text, at most 1,000 values, the rest is counted as `overflow`.
    pub struct Town: "town";
}

/// A metric is a constant: a name that breaks the rules does not compile.
pub const PARCELS_SENT: CounterDesc<(Carrier, Open<Town>)> =
    CounterDesc::new("parcels_sent_total", "Parcels that left the house, by carrier and town.");

/// Bounds are in the unit of the name.
pub const PACKING_DURATION: HistogramDesc =
    HistogramDesc::new("packing_duration_seconds", "Time to pack one parcel, in seconds.", &[10.0, 30.0, 60.0, 300.0]);

/// A number of things under way is raised and lowered by guards.
pub const VANS_LOADING: UpDownDesc = UpDownDesc::new("vans_loading", "Vans that are being loaded.");

/// Records what happens in the depot.
#[derive(Debug, Clone)]
pub struct DepotMetrics {
    parcels_sent: CounterFamily<(Carrier, Open<Town>)>,
    packing_duration: HistogramFamily,
    vans_loading: UpDownFamily,
}

impl DepotMetrics {
    /// Registers the group; once more in the same registry returns the same metrics.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            parcels_sent: registry.counter(&PARCELS_SENT)?,
            packing_duration: registry.histogram(&PACKING_DURATION)?,
            vans_loading: registry.up_down(&VANS_LOADING)?,
        })
    }

    /// Counts a parcel, and how long it took to pack.
    pub fn record_parcel(&self, carrier: Carrier, town: &str, packing: Duration) {
        self.parcels_sent.inc((carrier, town));
        self.packing_duration.observe_duration((), packing);
    }

    /// Counts a van as being loaded until the guard is dropped.
    pub fn load_van(&self) -> Tracked {
        self.vans_loading.track(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::builder().prefix("depot").constant_label("site", "north").build()?;
    let presets = Presets::new(registry.clone());
    let depot = DepotMetrics::register(&registry)?;

    let van = depot.load_van();
    depot.record_parcel(Carrier::Bicycle, "Delft", Duration::from_secs(42));
    depot.record_parcel(Carrier::Post, "Bergen", Duration::from_secs(75));
    presets.jobs().record_task("stocktaking", Status::Success, Duration::from_secs(3));

    let mut out = std::io::stdout().lock();
    writeln!(out, "While a van is being loaded, Prometheus reads:\n\n{}", registry.render(Format::Text))?;
    drop(van);
    Ok(())
}
