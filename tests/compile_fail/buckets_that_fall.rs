use watchkeeper::metric::HistogramDesc;

const WAIT: HistogramDesc = HistogramDesc::new("wait_seconds", "Time in the queue.", &[2.0, 1.0]);

fn main() {
    let _ = WAIT;
}
