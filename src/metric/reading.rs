//! Reading a registry in numbers: what a scrape shows, without a text being written and read again.

#![cfg_attr(not(feature = "api"), allow(dead_code, reason = "what metrics are is asked over the API alone"))]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::descriptor::Kind;
use super::exposition::Format;
use super::family::Family;
use super::registry::Registry;
use super::series::Series;

/// What a registry is read into.
pub(crate) trait Reader {
    /// Takes a sample of a metric of the registry's own.
    fn own(&mut self, sample: OwnSample<'_>);

    /// Takes a sample of an app's own collector of the `prometheus` crate.
    fn foreign(&mut self, sample: ForeignSample<'_>);
}

/// One line of a scrape, of a metric of the registry's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnSample<'a> {
    family: &'a Family,
    series: &'a Series,
    /// Which series of the family it is, counted from the first that was made.
    pub(crate) series_number: usize,
    /// Which line of the series it is: of a histogram its buckets, its sum, its count.
    pub(crate) line: usize,
    pub(crate) value: f64,
}

impl OwnSample<'_> {
    /// Tells families of one registry apart; a family never leaves it.
    pub(crate) fn family(&self) -> usize {
        std::ptr::from_ref(self.family).addr()
    }

    /// Returns how many lines each series of the family has.
    pub(crate) fn lines(&self) -> usize {
        if self.family.shape.kind == Kind::Histogram { self.family.bounds.len() + 3 } else { 1 }
    }

    /// Returns the name that the line has in a scrape.
    pub(crate) fn name(&self) -> String {
        let shape = &self.family.shape;
        let suffix = match (shape.kind, self.line.checked_sub(self.family.bounds.len())) {
            (Kind::Histogram, Some(1)) => "_sum",
            (Kind::Histogram, Some(2)) => "_count",
            (Kind::Histogram, _) => "_bucket",
            _ => "",
        };
        format!("{}{suffix}", shape.name)
    }

    /// Returns the labels that the line has in a scrape, in no particular order.
    pub(crate) fn labels(&self) -> Vec<(String, String)> {
        let shape = &self.family.shape;
        let names = shape.labels.iter().map(|label| label.name.clone());
        let own = names.zip(self.family.values(self.series).map(str::to_owned));
        let mut labels: Vec<_> = shape.constant_labels.iter().cloned().chain(own).collect();
        if shape.kind == Kind::Histogram
            && let Some(end) = self.family.bucket_ends.get(self.line)
        {
            // The end of the line: the bound, and what follows it.
            let bound = end.split('"').next().unwrap_or_default();
            labels.push(("le".to_owned(), bound.to_owned()));
        }
        labels
    }

    /// Tells whether the line is a total: of a histogram each is.
    pub(crate) fn is_total(&self) -> bool {
        matches!(self.family.shape.kind, Kind::Counter | Kind::Histogram)
    }
}

/// One line of a scrape, of a collector of the app's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForeignSample<'a> {
    /// The line up to its value: the name, and labels in braces where there are any.
    pub(crate) series: &'a str,
    pub(crate) value: f64,
    /// The time of the value in milliseconds, where the collector gives one.
    pub(crate) time: Option<i64>,
    /// Whether it is a total.
    pub(crate) is_total: bool,
}

impl ForeignSample<'_> {
    /// Reads the name and the labels; none where the line is not well formed.
    pub(crate) fn labels(&self) -> Option<(String, Vec<(String, String)>)> {
        let Some((name, inner)) = self.series.split_once('{') else {
            return Some((self.series.to_owned(), Vec::new()));
        };
        let (mut labels, mut rest) = (Vec::new(), inner);
        while !rest.starts_with('}') {
            let (label, behind) = rest.split_once("=\"")?;
            let (mut value, mut chars) = (String::new(), behind.char_indices());
            rest = loop {
                match chars.next()? {
                    (at, '"') => break &behind[at + 1..],
                    (_, '\\') => match chars.next()?.1 {
                        'n' => value.push('\n'),
                        other => value.push(other),
                    },
                    (_, other) => value.push(other),
                }
            };
            labels.push((label.to_owned(), value));
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        Some((name.to_owned(), labels))
    }
}

/// What is said about a metric above its series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Description {
    pub(crate) kind: &'static str,
    pub(crate) help: String,
    pub(crate) unit: &'static str,
}

/// The types that the text format knows; any other is unknown.
const KINDS: [&str; 4] = ["counter", "gauge", "histogram", "summary"];

impl Registry {
    /// Reads every sample, as a scrape at this moment would show it.
    ///
    /// The reader is called while the family is locked for new series, so it takes what it needs and returns.
    pub(crate) fn read(&self, reader: &mut impl Reader) {
        self.run_hooks();
        for family in self.all() {
            read_family(&family, reader);
        }
        let mut text = Vec::new();
        self.write_collectors(Format::Text, &mut text);
        let mut is_total = false;
        for line in String::from_utf8(text).unwrap_or_default().lines() {
            if let Some(header) = line.strip_prefix("# TYPE ") {
                is_total = header.ends_with(" counter") || header.ends_with(" histogram");
            } else if let Some(sample) = foreign(line, is_total) {
                reader.foreign(sample);
            }
        }
    }

    /// Returns what is said about every metric, by its name.
    pub(crate) fn descriptions(&self) -> BTreeMap<String, Description> {
        let own = |family: &Arc<Family>| {
            let shape = &family.shape;
            let described =
                Description { kind: shape.kind.as_str(), help: shape.help.clone(), unit: shape.unit.as_str() };
            (shape.name.clone(), described)
        };
        let mut all: BTreeMap<_, _> = self.all().iter().map(own).collect();
        let mut text = Vec::new();
        self.write_collectors(Format::Text, &mut text);
        for line in String::from_utf8(text).unwrap_or_default().lines() {
            if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
                all.entry(name.to_owned()).or_default().help = unescaped(help);
            } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
                all.entry(name.to_owned()).or_default().kind =
                    KINDS.into_iter().find(|known| *known == kind).unwrap_or("unknown");
            }
        }
        all
    }
}

fn read_family(family: &Family, reader: &mut impl Reader) {
    let ticks = family.shape.unit.ticks() as f64;
    let mut cells = vec![0; family.width];
    family.read(|all| {
        for (series_number, series) in all.iter().enumerate() {
            let mut line = |line, value| reader.own(OwnSample { family, series, series_number, line, value });
            match family.shape.kind {
                Kind::Counter => line(0, series.total(family) as f64 / ticks),
                Kind::Gauge => line(0, f64::from_bits(family.cells.sum(series.spot.at))),
                // A thread that lowers may be read before the one that raised.
                Kind::UpDown => line(0, (series.sum(family) as i64).max(0) as f64),
                Kind::Histogram => {
                    cells.fill(0);
                    series.sum_run(family, &mut cells);
                    let (buckets, mut count) = (family.bounds.len() + 1, 0);
                    for (bucket, cell) in cells[..buckets].iter().enumerate() {
                        count += cell;
                        line(bucket, count as f64);
                    }
                    line(buckets, cells[buckets] as f64 / ticks);
                    line(buckets + 1, count as f64);
                }
            }
        }
    });
}

/// Undoes what is escaped in a help text.
fn unescaped(help: &str) -> String {
    let (mut text, mut chars) = (String::with_capacity(help.len()), help.chars());
    while let Some(c) = chars.next() {
        text.push(match c {
            '\\' => chars.next().map_or(c, |escaped| if escaped == 'n' { '\n' } else { escaped }),
            c => c,
        });
    }
    text
}

/// Reads a line of the text format that a collector was written in.
fn foreign(line: &str, is_total: bool) -> Option<ForeignSample<'_>> {
    if line.starts_with('#') {
        return None;
    }
    // Behind the braces, or behind the name of a series without any, stand a value and perhaps a time.
    let start = line.rfind('}').map_or_else(|| line.find(' '), |brace| Some(brace + 1))?;
    let (series, rest) = line.split_at(start);
    let mut numbers = rest.split_ascii_whitespace();
    let value = numbers.next()?.parse().ok()?;
    let time = numbers.next().and_then(|time| time.parse().ok());
    Some(ForeignSample { series, value, time, is_total })
}

#[cfg(test)]
mod tests {
    use super::super::text;
    use super::*;
    use crate::presets::Presets;

    /// Writes what is read as a scrape's lines.
    #[derive(Default)]
    struct Lines(Vec<String>);

    impl Lines {
        fn push(&mut self, name: String, labels: Vec<(String, String)>, value: f64) {
            let mut inner = String::new();
            labels.iter().for_each(|(name, value)| text::push_label(&mut inner, name, value));
            let braces = if inner.is_empty() { inner } else { format!("{{{inner}}}") };
            let mut number = Vec::new();
            text::push_number(&mut number, value);
            self.0.push(format!("{name}{braces} {}", String::from_utf8(number).unwrap()));
        }
    }

    impl Reader for Lines {
        fn own(&mut self, sample: OwnSample<'_>) {
            assert!(sample.line < sample.lines());
            self.push(sample.name(), sample.labels(), sample.value);
        }

        fn foreign(&mut self, sample: ForeignSample<'_>) {
            let (name, labels) = sample.labels().unwrap();
            self.push(name, labels, sample.value);
        }
    }

    #[test]
    fn what_is_read_is_what_a_scrape_shows() {
        let registry = Registry::builder().prefix("shop").constant_label("zone", "a").build().unwrap();
        let metrics = Presets::new(registry.clone());
        metrics.auth().record_login(crate::presets::auth::LoginResult::Success);
        metrics.monitoring().record_write(crate::presets::monitoring::Sink::Logs, std::time::Duration::from_millis(3));
        metrics.monitoring().record_health_check("a \"quoted\" \\ name", true);
        let theirs = prometheus::GaugeVec::new(prometheus::Opts::new("theirs", "T."), &["odd"]).unwrap();
        theirs.with_label_values(&["a}\"b\\\n, c=\"d\" 1"]).set(f64::INFINITY);
        registry.register_collector(Box::new(theirs)).unwrap();
        let times = prometheus::Histogram::with_opts(prometheus::HistogramOpts::new("times", "T.")).unwrap();
        times.observe(1.5);
        registry.register_collector(Box::new(times)).unwrap();

        let mut read = Lines::default();
        registry.read(&mut read);
        let scrape = registry.render(Format::Text);
        let mut shown: Vec<_> = scrape.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(shown.len() > 30, "{scrape}");
        read.0.sort();
        shown.sort_unstable();
        assert_eq!(read.0, shown);
        let described = registry.descriptions();
        assert_eq!(described["shop_login_attempts_total"].kind, "counter");
        assert_eq!((described["shop_times"].kind, &*described["shop_times"].help), ("histogram", "T."));
    }
}
