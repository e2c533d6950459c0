use watchkeeper::metric::{HistogramDesc, bucket};

const WAIT: HistogramDesc = HistogramDesc::new("wait_milliseconds", "Time in the queue.", bucket::JOB_SECONDS);

fn main() {
    let _ = WAIT;
}
