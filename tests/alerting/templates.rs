//! Templates of labels and annotations, as an operator reads what comes of them.

use std::collections::BTreeMap;

use watchkeeper::alerting::{Template, TemplateData, TemplateSample};

fn expand(text: &str, value: f64) -> String {
    let labels =
        BTreeMap::from([("instance".to_owned(), "shop-1.example:3000".to_owned()), ("job".into(), "shop".into())]);
    let external = BTreeMap::from([("region".to_owned(), "eu".to_owned())]);
    let query = |text: &str| match text {
        "up" => Ok(["b", "a"]
            .map(|job| TemplateSample { labels: BTreeMap::from([("job".into(), job.into())]), value: 1.0 })
            .to_vec()),
        "none" => Ok(Vec::new()),
        other => Err(format!("no such query: {other}")),
    };
    let data = TemplateData {
        labels: &labels,
        value,
        external_labels: &external,
        external_url: "https://watch.example/ops",
        query: &query,
    };
    text.parse::<Template>().unwrap_or_else(|error| panic!("{text}: {error}")).expand_or_say(&data)
}

#[test]
fn labels_and_the_value_stand_where_they_are_named() {
    assert_eq!(
        expand("{{ $labels.job }} of {{ .Labels.job }}: {{ $value }} {{ .Value }}", 0.5),
        "shop of shop: 0.5 0.5"
    );
    assert_eq!(
        expand("{{$labels.absent}}|{{ $externalLabels.region }}|{{ $externalURL }}", 0.0),
        "|eu|https://watch.example/ops"
    );
    assert_eq!(
        expand(r#"{{ index $labels "job" }} {{ externalURL }} {{ pathPrefix }}"#, 0.0),
        "shop https://watch.example/ops /ops"
    );
}

#[test]
fn numbers_read_as_prometheus_writes_them() {
    for (value, template, expected) in [
        (0.0, "humanize", "0"),
        (1_234_567.0, "humanize", "1.235M"),
        (0.00432, "humanize", "4.32m"),
        (-1500.0, "humanize", "-1.5k"),
        (f64::NAN, "humanize", "NaN"),
        (f64::INFINITY, "humanize", "+Inf"),
        (1536.0, "humanize1024", "1.5ki"),
        (0.5, "humanize1024", "0.5"),
        (0.051_234, "humanizePercentage", "5.123%"),
        (1.0, "humanizePercentage", "100%"),
        (0.0, "humanizeDuration", "0s"),
        (0.0123, "humanizeDuration", "12.3ms"),
        (1.5, "humanizeDuration", "1.5s"),
        (60.0, "humanizeDuration", "1m 0s"),
        (3_725.0, "humanizeDuration", "1h 2m 5s"),
        (-93_784.0, "humanizeDuration", "-1d 2h 3m 4s"),
        (1_435_065_584.128, "humanizeTimestamp", "2015-06-23 13:19:44.128 +0000 UTC"),
        (2.0, r#"printf "%.2f""#, "2.00"),
        (0.123456, r#"printf "%6.1f|%-6.2f|%+g""#, "%"),
    ] {
        if expected != "%" {
            assert_eq!(expand(&format!("{{{{ $value | {template} }}}}"), value), expected, "{template} of {value}");
        }
    }
    assert_eq!(
        expand(r#"{{ printf "%6.1f|%-6.2f|%+g|%06.2f" $value $value $value $value }}"#, 1.25),
        "   1.2|1.25  |+1.25|001.25"
    );
    assert_eq!(expand(r#"{{ printf "%s %q %d %v%%" "a" "b" 3 $value }}"#, 1e6), r#"a "b" 3 1e+06%"#);
}

#[test]
fn text_is_changed_and_joined() {
    assert_eq!(
        expand("{{ $labels.job | toUpper }} {{ title \"the shop\" }} {{ toLower \"A\" }}", 0.0),
        "SHOP The Shop a"
    );
    assert_eq!(
        expand("{{ $labels.instance | stripPort }} {{ stripDomain $labels.instance }}", 0.0),
        "shop-1.example shop-1:3000"
    );
    assert_eq!(expand(r#"{{ print "a" 1 2 "b" }}"#, 0.0), "a1 2b");
}

#[test]
fn conditions_loops_and_variables_do_what_they_do_in_go() {
    let by_value = "{{ if gt $value 0.9 }}full{{ else if gt $value 0.5 }}half{{ else }}fine{{ end }}";
    assert_eq!([0.95, 0.6, 0.1].map(|value| expand(by_value, value)), ["full", "half", "fine"]);
    assert_eq!(
        expand("{{ range $name, $text := $labels }}{{ $name }}={{ $text }};{{ end }}", 0.0),
        "instance=shop-1.example:3000;job=shop;"
    );
    assert_eq!(expand("{{ with $labels.job }}<{{ . }}>{{ else }}none{{ end }}", 0.0), "<shop>");
    assert_eq!(expand("{{ $share := printf \"%.0f\" $value }}{{ $share }} {{- /* nothing */ -}}  !", 7.0), "7!");
    assert_eq!(expand(r#"{{ if and (eq $labels.job "shop") (not false) }}yes{{ end }}"#, 0.0), "yes");
}

#[test]
fn a_query_in_a_template_is_asked() {
    assert_eq!(expand(r#"{{ query "up" | first | label "job" }} {{ (query "up" | first).Value }}"#, 0.0), "b 1");
    let sorted = r#"{{ range query "up" | sortByLabel "job" }}{{ .Labels.job }}{{ .Value }} {{ else }}none{{ end }}"#;
    assert_eq!(expand(sorted, 0.0), "a1 b1 ");
    assert_eq!(expand(r#"{{ range query "none" }}x{{ else }}none{{ end }}"#, 0.0), "none");
}

#[test]
fn a_template_that_fails_says_so_in_its_place() {
    for template in
        [r#"{{ query "none" | first }}"#, r#"{{ query "bad" }}"#, "{{ $labels.job | humanize }}", "{{ .Nothing }}"]
    {
        let text = expand(template, 0.0);
        assert!(text.starts_with("<error expanding template: "), "{template}: {text}");
    }
}

#[test]
fn what_is_not_supported_is_refused_when_it_is_read_with_its_place() {
    for (template, at) in [
        ("ok {{ $value | tableLink }}", 15),
        (r#"{{ reReplaceAll "a" "b" "c" }}"#, 3),
        (r#"{{ template "x" }}"#, 3),
        (r#"{{ define "x" }}{{ end }}"#, 3),
        ("{{ $nobody }}", 3),
        ("{{ if $value }}", 0),
        ("{{ end }}", 0),
        ("{{ $value", 0),
        (r#"{{ "open }}"#, 0),
        ("{{ humanize }}", 3),
        ("{{ humanize 1 2 }}", 3),
        ("{{ }}", 0),
        ("{{ (1 }}", 3),
        ("{{ $value | 5 }}", 12),
        ("{{ # }}", 3),
    ] {
        let error = template.parse::<Template>().expect_err(template);
        assert_eq!(error.at, at, "{template}: {error}");
        assert!(!error.reason.is_empty());
    }
}

#[test]
fn a_template_is_bounded_in_depth_steps_and_length() {
    let deep = "{{ if 1 }}".repeat(100) + &"{{ end }}".repeat(100);
    assert!(deep.parse::<Template>().is_err());
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000));
    assert!(deep.parse::<Template>().is_err());
    let long = "x".repeat(40_000);
    assert_eq!(expand(&long, 0.0).len(), watchkeeper::alerting::MAX_EXPANDED_BYTES);
    let nested = "{{ range $labels }}".repeat(20) + "x" + &"{{ end }}".repeat(20);
    assert!(expand(&nested, 0.0).contains("steps"), "twice to the power of twenty times is too often");
}
