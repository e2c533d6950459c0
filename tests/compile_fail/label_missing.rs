use watchkeeper::metric::{CounterDesc, Registry};

watchkeeper::label_enum! {
    /// How a parcel left the house.
    pub enum Carrier: "carrier" {
        /// By post.
        Post = "post",
    }
}

watchkeeper::open_label! {
    /// The house it left.
    pub struct Depot: "depot";
}

const SENT: CounterDesc<(Carrier, watchkeeper::metric::Open<Depot>)> =
    CounterDesc::new("parcels_sent_total", "Parcels that left the house.");

fn main() {
    let sent = Registry::new().counter(&SENT).unwrap();
    sent.inc((Carrier::Post,));
}
