use watchkeeper::metric::{CounterDesc, Registry};

watchkeeper::label_enum! {
    /// How a parcel left the house.
    pub enum Carrier: "carrier" {
        /// By post.
        Post = "post",
    }
}

const SENT: CounterDesc<(Carrier,)> = CounterDesc::new("parcels_sent_total", "Parcels that left the house.");

fn main() {
    let sent = Registry::new().counter(&SENT).unwrap();
    sent.inc(("pigeon",));
}
