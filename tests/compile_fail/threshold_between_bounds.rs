use watchkeeper::presets::http::REQUEST_DURATION;
use watchkeeper::stack::slo::Slo;

const FAST: Slo = Slo::latency("fast", "95 % of requests take at most 150 ms.", 0.95, const { &REQUEST_DURATION }, 0.15);

fn main() {
    let _ = FAST;
}
