//! Logstash's pipeline: JSON log lines of services in, one index a day and service out.

/// Where Logstash takes lines from and where it puts them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pipeline {
    /// The port for lines over TCP; 5000 by default.
    pub tcp_port: u16,
    /// The files that are read, as a glob; those of Docker's `json-file` driver by default.
    pub files: String,
    /// Elasticsearch's address.
    pub elasticsearch: String,
    /// The service that lines without one belong to: a part of the index' name, so in lower case.
    pub service: String,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self {
            tcp_port: 5000,
            files: "/var/lib/docker/containers/*/*-json.log".to_owned(),
            elasticsearch: "https://elasticsearch:9200".to_owned(),
            service: "app".to_owned(),
        }
    }
}

/// Renders `logstash.conf`: lines by `tcp` and from files, JSON as it is, times and levels under Elastic's names, one index
/// `<service>-YYYY.MM.dd`. A line that is no JSON is kept as its message, with the tag `_jsonparsefailure`.
///
/// User and password come from Logstash's keystore or its environment: `ELASTIC_USER`, `ELASTIC_PASSWORD`.
///
/// ```
/// use watchkeeper::stack::logstash::{self, Pipeline};
///
/// assert!(logstash::render(&Pipeline::default()).contains("port => 5000"));
/// ```
pub fn render(pipeline: &Pipeline) -> String {
    TEMPLATE
        .replace("@PORT@", &pipeline.tcp_port.to_string())
        .replace("@FILES@", &quotable(&pipeline.files))
        .replace("@ELASTICSEARCH@", &quotable(&pipeline.elasticsearch))
        .replace("@SERVICE@", &quotable(&pipeline.service))
}

/// Leaves out what would end a quoted string of Logstash's, which knows no escapes by default.
fn quotable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && *c != '"').collect()
}

const TEMPLATE: &str = r##"# Rendered by watchkeeper; changes by hand are overwritten.

input {
  # A service, or a shipper beside it, sends its lines as they are: one JSON object each.
  tcp {
    port => @PORT@
    codec => line { charset => "UTF-8" }
    tags => ["tcp"]
  }
  # What Docker's json-file driver has written: its own object around the line, the label service among its attrs.
  file {
    path => "@FILES@"
    sincedb_path => "/usr/share/logstash/data/sincedb-docker"
    start_position => "beginning"
    codec => line { charset => "UTF-8" }
    tags => ["docker"]
  }
}

filter {
  if "docker" in [tags] {
    json {
      source => "message"
      target => "docker"
    }
    if [docker][log] {
      mutate { replace => { "message" => "%{[docker][log]}" } }
      mutate { copy => { "[docker][attrs][service]" => "[service][name]" } }
    }
    mutate { remove_field => ["docker"] }
  }

  json {
    source => "message"
    # A line that is no JSON stays what it is.
    skip_on_invalid_json => false
    tag_on_failure => ["_jsonparsefailure"]
  }

  # Elastic's form has names with dots; here they are fields within fields.
  if [service.name] { mutate { rename => { "[service.name]" => "[service][name]" } } }
  if [log.level] { mutate { rename => { "[log.level]" => "[log][level]" } } }
  if [log.logger] { mutate { rename => { "[log.logger]" => "[log][logger]" } } }
  if [trace.id] { mutate { rename => { "[trace.id]" => "[trace][id]" } } }
  if [span.id] { mutate { rename => { "[span.id]" => "[span][id]" } } }

  # Lines in the library's own form; those in Elastic's form have their names already.
  if [timestamp] {
    date {
      match => ["timestamp", "ISO8601"]
      target => "@timestamp"
      remove_field => ["timestamp"]
    }
  }
  if [level] { mutate { rename => { "level" => "[log][level]" } } }
  if [target] { mutate { rename => { "target" => "[log][logger]" } } }
  if [trace_id] { mutate { rename => { "trace_id" => "[trace][id]" } } }
  if [span_id] { mutate { rename => { "span_id" => "[span][id]" } } }

  if ![service][name] {
    mutate { add_field => { "[service][name]" => "@SERVICE@" } }
  }
  # An index' name is in lower case.
  mutate { copy => { "[service][name]" => "[@metadata][index]" } }
  mutate { lowercase => ["[@metadata][index]"] }
}

output {
  elasticsearch {
    hosts => ["@ELASTICSEARCH@"]
    user => "${ELASTIC_USER}"
    password => "${ELASTIC_PASSWORD}"
    ssl_certificate_authorities => ["/usr/share/logstash/config/certs/ca.crt"]
    index => "%{[@metadata][index]}-%{+YYYY.MM.dd}"
    manage_template => false
    action => "create"
  }
}
"##;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_can_end_its_quotes() {
        let pipeline = Pipeline { service: "shop\" } } output { exec {".to_owned(), ..Pipeline::default() };
        assert!(render(&pipeline).contains("=> \"shop } } output { exec {\" }"), "{}", render(&pipeline));
    }

    #[test]
    fn braces_and_quotes_are_even() {
        let text = render(&Pipeline::default());
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        assert_eq!(code.matches('{').count(), code.matches('}').count());
        assert_eq!(code.matches('"').count() % 2, 0);
        let words = code.split('@').skip(1);
        let left: Vec<_> =
            words.filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase())).collect();
        assert!(left.is_empty(), "nothing is put in for {left:?}");
    }
}
