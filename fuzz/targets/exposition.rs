//! The exposition writer: any registry, in both formats, is read back by a strict reader as what was recorded.

use watchkeeper::metric::Format;

use super::entropy::Entropy;
use super::plan::Planned;
use super::reader;

/// Takes the bytes as decisions that fill a registry.
pub fn run(bytes: &[u8]) {
    let planned = Planned::out_of(&mut Entropy::new(bytes));
    for format in [Format::Text, Format::OpenMetrics] {
        let scrape = planned.registry.render(format);
        let judged = reader::read(format, &scrape).and_then(|read| planned.expected.compare(format, &read));
        if let Err(fault) = judged {
            panic!("{format:?}: {fault}\n{scrape}");
        }
    }
    // The same bytes as a scrape: a reader of anything ends, in an answer or an error.
    let text = String::from_utf8_lossy(bytes);
    let _ = reader::read(Format::Text, &text);
    let _ = reader::read(Format::OpenMetrics, &text);
}
