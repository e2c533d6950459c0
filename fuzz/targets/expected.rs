//! What a scrape must show, and whether it does.

use std::collections::BTreeMap;

use watchkeeper::metric::Format;

/// A series: its name, and its labels by name.
pub type Series = (String, BTreeMap<String, String>);

/// A scrape as a reader understood it.
#[derive(Debug, Default)]
pub struct Read {
    /// Type, help and unit of each family.
    pub families: BTreeMap<String, Family>,
    pub samples: Vec<(Series, f64)>,
    /// The trace ids of exemplars.
    pub traces: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Family {
    pub kind: String,
    pub help: String,
    pub unit: String,
}

/// What was recorded in a registry.
#[derive(Debug, Default)]
pub struct Expected {
    /// Families by the name that they have in the text format.
    pub families: BTreeMap<String, Family>,
    pub samples: BTreeMap<Series, f64>,
    /// The trace ids that may be shown.
    pub traces: Vec<String>,
}

impl Expected {
    /// Says in what a scrape differs. A series in which nothing was recorded may be there, from zero.
    pub fn compare(&self, format: Format, read: &Read) -> Result<(), String> {
        let mut seen = BTreeMap::new();
        for ((name, labels), value) in &read.samples {
            let series = (name.clone(), canonical(labels));
            if seen.insert(series.clone(), *value).is_some() {
                return Err(format!("{series:?} is there twice"));
            }
            let expected = self.samples.get(&series).copied().unwrap_or(0.0);
            if !same(expected, *value) {
                return Err(format!("{series:?} is {value:?}, not {expected:?}"));
            }
        }
        if let Some(missing) = self.samples.keys().find(|series| !seen.contains_key(*series)) {
            return Err(format!("{missing:?} is missing"));
        }
        if let Some(trace) = read.traces.iter().find(|trace| !self.traces.contains(trace)) {
            return Err(format!("the exemplar {trace} is none that was recorded"));
        }
        if format == Format::Text { Ok(()) } else { self.compare_families(&read.families) }
    }

    fn compare_families(&self, read: &BTreeMap<String, Family>) -> Result<(), String> {
        let mut expected = BTreeMap::new();
        for (name, family) in &self.families {
            let mut family = Family { help: trim(&family.help), ..family.clone() };
            let name = match name.strip_suffix("_total") {
                Some(stem) if family.kind == "counter" && !self.families.contains_key(stem) => stem,
                _ if family.kind == "counter" => {
                    "unknown".clone_into(&mut family.kind);
                    name
                }
                _ => name,
            };
            expected.insert(name.to_owned(), family);
        }
        let read: BTreeMap<_, _> = read
            .iter()
            .filter(|(name, _)| !name.starts_with("watchkeeper_") && !name.contains("_watchkeeper_"))
            .map(|(name, family)| (name.clone(), Family { help: trim(&family.help), ..family.clone() }))
            .collect();
        if read == expected { Ok(()) } else { Err(format!("families {read:#?}\nare not {expected:#?}")) }
    }
}

/// A bound is a number, however it is written.
fn canonical(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels = labels.clone();
    if let Some(bound) = labels.get_mut("le")
        && let Ok(number) = bound.parse::<f64>()
    {
        *bound = format!("{number:?}");
    }
    labels
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// Readers differ in the white space that they leave around a help text.
fn trim(help: &str) -> String {
    help.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)).to_owned()
}
