//! A strict reader of both formats: it refuses whatever their texts do not allow.

use std::collections::{BTreeMap, BTreeSet};

use watchkeeper::metric::Format;

use super::expected::{Family, Read};

/// Reads a scrape, or says in which line it breaks which rule.
pub fn read(format: Format, scrape: &str) -> Result<Read, String> {
    let body = match format {
        Format::OpenMetrics => scrape.strip_suffix("# EOF\n").ok_or("no `# EOF` at the end")?,
        _ => scrape,
    };
    if !body.is_empty() && !body.ends_with('\n') {
        return Err("the last line does not end".to_owned());
    }
    let mut reader = Reader { format, ..Reader::default() };
    for (number, line) in body.split_terminator('\n').enumerate() {
        reader.line(line).map_err(|fault| format!("line {}: {fault}: {line:?}", number + 1))?;
    }
    reader.end_family()?;
    Ok(reader.read)
}

struct Reader {
    format: Format,
    read: Read,
    /// The family whose lines are read now.
    name: String,
    said: BTreeSet<&'static str>,
    buckets: BTreeMap<Labels, Group>,
    series: BTreeSet<(String, Labels)>,
    /// Every name that a family may give to a sample.
    names: BTreeSet<String>,
}

type Labels = BTreeMap<String, String>;

/// The lines of one histogram.
#[derive(Default)]
struct Group {
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: Option<f64>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            format: Format::Text,
            read: Read::default(),
            name: String::new(),
            said: BTreeSet::new(),
            buckets: BTreeMap::new(),
            series: BTreeSet::new(),
            names: BTreeSet::new(),
        }
    }
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        for keyword in ["TYPE", "HELP", "UNIT"] {
            if let Some(rest) = line.strip_prefix("# ").and_then(|rest| rest.strip_prefix(keyword)) {
                let rest = rest.strip_prefix(' ').ok_or("no space after the keyword")?;
                let (name, text) = rest.split_once(' ').ok_or("nothing said of the metric")?;
                return self.said(keyword, name, text);
            }
        }
        if line.is_empty() || line.starts_with('#') {
            return Err("neither metadata nor a sample".to_owned());
        }
        self.sample(line)
    }

    fn said(&mut self, keyword: &'static str, name: &str, text: &str) -> Result<(), String> {
        if name != self.name || self.read.families.is_empty() {
            self.end_family()?;
            self.begin_family(name)?;
        }
        if !self.said.insert(keyword) {
            return Err("said twice".to_owned());
        }
        if self.said.contains("sample") {
            return Err("said after a sample".to_owned());
        }
        let family = self.read.families.entry(name.to_owned()).or_default();
        match keyword {
            "TYPE" => {
                let kinds: &[&str] = match self.format {
                    Format::OpenMetrics => &["counter", "gauge", "histogram", "unknown"],
                    _ => &["counter", "gauge", "histogram", "untyped"],
                };
                if !kinds.contains(&text) {
                    return Err("no type".to_owned());
                }
                text.clone_into(&mut family.kind);
            }
            "UNIT" if self.format == Format::Text || !name.ends_with(&format!("_{text}")) => {
                return Err("a unit that the name does not end in".to_owned());
            }
            "UNIT" => text.clone_into(&mut family.unit),
            _ => family.help = unescape(text, self.format == Format::OpenMetrics)?,
        }
        Ok(())
    }

    fn begin_family(&mut self, name: &str) -> Result<(), String> {
        if !is_name(name, true) {
            return Err("no name".to_owned());
        }
        if self.read.families.insert(name.to_owned(), Family::default()).is_some() {
            return Err("a family in two places".to_owned());
        }
        name.clone_into(&mut self.name);
        self.said.clear();
        Ok(())
    }

    fn suffixes(&self) -> &'static [&'static str] {
        match (self.format, self.kind()) {
            (Format::OpenMetrics, "counter") => &["_total"],
            (_, "histogram") => &["_bucket", "_sum", "_count"],
            _ => &[""],
        }
    }

    fn kind(&self) -> &str {
        self.read.families.get(&self.name).map_or("", |family| &family.kind)
    }

    fn sample(&mut self, line: &str) -> Result<(), String> {
        let end = line.find(['{', ' ']).ok_or("no value")?;
        let (name, rest) = line.split_at(end);
        let suffix = name.strip_prefix(self.name.as_str()).filter(|_| self.said.contains("TYPE"));
        let suffix = suffix.ok_or("a sample outside of its family")?;
        let suffix = self.suffixes().iter().find(|known| **known == suffix).ok_or("not a sample of this type")?;
        self.said.insert("sample");
        let (mut labels, rest) = if rest.starts_with('{') { labels(rest)? } else { (Labels::new(), rest) };
        let rest = rest.strip_prefix(' ').ok_or("no space before the value")?;
        let (value, exemplar) = match rest.split_once(" # ") {
            Some((value, exemplar)) => (value, Some(exemplar)),
            None => (rest, None),
        };
        let value = number(value)?;
        if let Some(exemplar) = exemplar {
            if self.format == Format::Text || !matches!(*suffix, "_bucket" | "_total") {
                return Err("an exemplar is not allowed here".to_owned());
            }
            self.exemplar(exemplar)?;
        }
        if self.kind() == "counter" && (value.is_nan() || value < 0.0) {
            return Err("a counter that is below zero or no number".to_owned());
        }
        if !self.series.insert((name.to_owned(), labels.clone())) {
            return Err("a series twice".to_owned());
        }
        self.read.samples.push(((name.to_owned(), labels.clone()), value));
        let bound = labels.remove("le").filter(|_| *suffix == "_bucket");
        match *suffix {
            "_bucket" => {
                let bound = number(&bound.ok_or("a bucket without a bound")?)?;
                self.buckets.entry(labels).or_default().buckets.push((bound, value));
            }
            "_sum" => self.buckets.entry(labels).or_default().sum = Some(value),
            "_count" => self.buckets.entry(labels).or_default().count = Some(value),
            _ => {}
        }
        Ok(())
    }

    fn exemplar(&mut self, text: &str) -> Result<(), String> {
        let (labels, rest) = labels(text)?;
        let mut numbers = rest.strip_prefix(' ').ok_or("an exemplar without a value")?.split(' ');
        number(numbers.next().unwrap_or_default())?;
        if let Some(time) = numbers.next() {
            number(time).ok().filter(|time| time.is_finite()).ok_or("an exemplar's time is no time")?;
        }
        if numbers.next().is_some() {
            return Err("more after an exemplar".to_owned());
        }
        if labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum::<usize>() > 128 {
            return Err("an exemplar above 128 characters".to_owned());
        }
        self.read.traces.extend(labels.get("trace_id").cloned());
        Ok(())
    }

    fn end_family(&mut self) -> Result<(), String> {
        if self.read.families.is_empty() {
            return Ok(());
        }
        if !self.said.contains("TYPE") {
            return Err(format!("{} has no type", self.name));
        }
        // A name that may be given to a sample belongs to one family alone.
        let own: &[&str] = if self.format == Format::OpenMetrics { &[""] } else { &[] };
        let suffixes = self.suffixes();
        for suffix in suffixes.iter().chain(own.iter().filter(|_| !suffixes.contains(&""))) {
            if !self.names.insert(format!("{}{suffix}", self.name)) {
                return Err(format!("{}{suffix} is a name of two families", self.name));
            }
        }
        for (labels, group) in std::mem::take(&mut self.buckets) {
            let fault = |what: &str| Err(format!("{} {labels:?}: {what}", self.name));
            let Group { buckets, count: Some(count), sum: Some(sum) } = group else {
                return fault("a sum or a count is missing");
            };
            if !buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1) {
                return fault("the buckets do not rise");
            }
            if buckets.last().copied() != Some((f64::INFINITY, count)) {
                return fault("the last bucket is not everything that was counted");
            }
            if !(count >= 0.0 && sum >= 0.0) {
                return fault("a sum or a count below zero");
            }
        }
        Ok(())
    }
}

/// Reads `{name="value",…}`, and returns what is behind it.
fn labels(text: &str) -> Result<(Labels, &str), String> {
    let mut labels = Labels::new();
    let mut rest = text.strip_prefix('{').ok_or("no labels")?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Ok((labels, rest));
    }
    loop {
        let (name, quoted) = rest.split_once("=\"").ok_or("a label without a value")?;
        let mut escaped = false;
        let end = quoted.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let end = end.ok_or("a label's value does not end")?;
        if !is_name(name, false) || labels.insert(name.to_owned(), unescape(&quoted[..end], true)?).is_some() {
            return Err("a label without a name, or twice".to_owned());
        }
        rest = &quoted[end + 1..];
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok((labels, rest));
        }
        rest = rest.strip_prefix(',').ok_or("no comma between labels")?;
    }
}

fn unescape(text: &str, quotes: bool) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('"') if quotes => '"',
                _ => return Err("an escape that there is not".to_owned()),
            },
            '"' if quotes => return Err("a quote that is not escaped".to_owned()),
            '\0' => return Err("a NUL, which ends the text for some readers".to_owned()),
            c => c,
        });
    }
    Ok(out)
}

/// Reads a number as both formats have it: not what else Rust would read, such as `inf`, `nan` or `1_0`.
fn number(text: &str) -> Result<f64, String> {
    match text {
        "NaN" => return Ok(f64::NAN),
        "+Inf" => return Ok(f64::INFINITY),
        "-Inf" => return Ok(f64::NEG_INFINITY),
        _ => {}
    }
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|_| digits && plain).ok_or_else(|| format!("{text:?} is no number"))
}

fn is_name(name: &str, colons: bool) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || (colons && byte == b':'))
}
