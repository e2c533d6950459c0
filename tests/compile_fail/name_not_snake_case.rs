use watchkeeper::metric::GaugeDesc;

const QUEUE: GaugeDesc = GaugeDesc::new("queueLength", "Jobs that wait.");

fn main() {
    let _ = QUEUE;
}
