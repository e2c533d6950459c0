//! The Compose files: accepted by Compose itself, and what they must hold read off what it makes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

use watchkeeper::stack::Settings;
use yaml_rust2::{Yaml, YamlLoader};

use crate::files::{bring_up_to_date, path};
use crate::support::process::{Folder, program};

const PROFILES: [&str; 6] = ["metrics", "errors", "traces", "logs", "edge", "all"];
const FILES: [&str; 2] = ["docker-compose.yml", "docker-compose.ha.yml"];

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names in the template, and whether each is made at random.
fn template() -> BTreeMap<String, bool> {
    let text = read(".env.template");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value == " # random")).collect()
}

fn compose(overlay: bool, profile: Option<&str>) -> Command {
    bring_up_to_date();
    let mut compose = program("docker-compose", "docker-compose");
    compose.current_dir(path("")).env_remove("COMPOSE_FILE").env_remove("COMPOSE_PROFILES");
    for file in &FILES[..=usize::from(overlay)] {
        compose.args(["-f", file]);
    }
    compose.args(profile.map(|profile| ["--profile", profile]).into_iter().flatten());
    for (name, random) in template() {
        compose.env(&name, if random { format!("random-{name}") } else { default(&name) });
    }
    compose
}

/// What the template says where nobody has changed it.
fn default(name: &str) -> String {
    let start = format!("{name}=");
    read(".env.template").lines().find_map(|line| line.strip_prefix(&start).map(str::to_owned)).unwrap_or_default()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What Compose makes of the files.
fn resolved(overlay: bool) -> &'static Yaml {
    static RESOLVED: [LazyLock<Yaml>; 2] = [LazyLock::new(|| resolve(false)), LazyLock::new(|| resolve(true))];
    &RESOLVED[usize::from(overlay)]
}

fn resolve(overlay: bool) -> Yaml {
    let output = compose(overlay, Some("all")).arg("config").output().expect("docker-compose can be run");
    assert!(output.status.success(), "{}", text(&output));
    YamlLoader::load_from_str(&String::from_utf8_lossy(&output.stdout)).expect("it writes YAML").remove(0)
}

fn services(overlay: bool) -> Vec<(String, Yaml)> {
    let Yaml::Hash(services) = resolved(overlay)["services"].clone() else { panic!("services") };
    services.into_iter().map(|(name, service)| (name.as_str().expect("a name").to_owned(), service)).collect()
}

fn strings(yaml: &Yaml) -> Vec<String> {
    yaml.as_vec().map(|list| list.iter().filter_map(Yaml::as_str).map(str::to_owned).collect()).unwrap_or_default()
}

/// Every service of both stacks, once with the overlay and once without.
fn each(mut check: impl FnMut(&str, &Yaml)) {
    let mut seen = 0;
    for overlay in [false, true] {
        for (name, service) in services(overlay) {
            check(&name, &service);
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn compose_accepts_every_profile_with_and_without_the_overlay() {
    for overlay in [false, true] {
        for profile in std::iter::once(None).chain(PROFILES.map(Some)) {
            let output = compose(overlay, profile).args(["config", "--quiet"]).output().expect("it can be run");
            assert!(output.status.success(), "{profile:?} {overlay}: {}", text(&output));
            assert!(output.stderr.is_empty(), "{profile:?} {overlay}: {}", text(&output));
        }
    }
}

#[test]
fn a_value_that_is_missing_is_named() {
    let output = compose(false, None).env("APP_DB_PASSWORD", "").arg("config").output().expect("it can be run");
    assert!(!output.status.success() && text(&output).contains("APP_DB_PASSWORD"), "{}", text(&output));
}

#[test]
fn every_image_is_pinned_to_a_release() {
    each(|name, service| {
        let image = service["image"].as_str().unwrap_or_else(|| panic!("{name} has no image"));
        if service["build"].is_badvalue() {
            let tag = image.rsplit_once(':').map(|(_, tag)| tag).unwrap_or_default();
            let release = tag.trim_start_matches('v');
            assert!(release.starts_with(|c: char| c.is_ascii_digit()) && release.contains('.'), "{name}: {image}");
        }
    });
    for line in read("app/Dockerfile").lines().filter_map(|line| line.strip_prefix("FROM ")) {
        assert!(line.contains(|c: char| c.is_ascii_digit()) && line.contains(':'), "{line}");
    }
}

#[test]
fn every_service_comes_up_again_tells_its_health_and_keeps_its_log_small() {
    each(|name, service| {
        let restart = service["restart"].as_str().unwrap_or_default();
        // What ends by itself is started again only if it failed, and is waited for by its end.
        let ends = restart == "on-failure";
        assert!(ends || restart == "unless-stopped", "{name}: {restart}");
        assert_eq!(service["healthcheck"]["test"].is_badvalue(), ends, "{name}");
        let options = &service["logging"]["options"];
        assert_eq!(service["logging"]["driver"].as_str(), Some("json-file"), "{name}");
        assert_eq!(
            (options["max-size"].as_str(), options["max-file"].as_str(), options["labels"].as_str()),
            (Some("10m"), Some("3"), Some("service")),
            "{name}"
        );
        assert!(service["labels"]["service"].as_str().is_some(), "{name}: its lines name no service");
    });
}

#[test]
fn every_port_is_on_loopback_and_nothing_leaves_the_network_of_the_stack() {
    let mut taken = BTreeSet::new();
    for (name, service) in services(true) {
        for port in service["ports"].as_vec().into_iter().flatten() {
            // One without an address is no text.
            let port = port.as_str().unwrap_or_else(|| panic!("{name}: {port:?}"));
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port}");
            assert!(taken.insert(port.rsplit_once(':').map(|(host, _)| host.to_owned())), "{name}: {port} is taken");
        }
    }
    assert!(taken.contains(&Some("127.0.0.1:3001".to_owned())), "Grafana's: {taken:?}");
    each(|name, service| {
        let Yaml::Hash(networks) = &service["networks"] else { panic!("{name} has no network") };
        assert_eq!(networks.keys().filter_map(Yaml::as_str).collect::<Vec<_>>(), ["watchkeeper"], "{name}");
        assert!(service["network_mode"].is_badvalue() && service["privileged"].is_badvalue(), "{name}");
    });
}

#[test]
fn data_is_in_named_volumes_and_what_is_mounted_from_the_machine_is_read_only() {
    let declared = resolved(true);
    let mut bound = 0;
    each(|name, service| {
        for volume in strings(&service["volumes"]) {
            let source = volume.split(':').next().unwrap_or_default();
            if source.starts_with('/') {
                let options = volume.rsplit(':').next().unwrap_or_default();
                assert!(options.split(',').any(|option| option == "ro"), "{name}: {volume}");
                bound += 1;
                // What the stack brings is there.
                if Path::new(source).starts_with(path("")) {
                    assert!(Path::new(source).exists(), "{name}: {source}");
                }
            } else {
                assert!(!declared["volumes"][source].is_badvalue(), "{name}: {volume}");
            }
        }
    });
    assert!(bound > 20, "{bound}");
}

#[test]
fn no_file_holds_a_secret_and_the_template_has_no_password() {
    let secret = |key: &str| {
        let key = key.to_ascii_uppercase();
        ["PASSWORD", "SECRET", "TOKEN", "_KEY", "_PASS", "ENCRYPTIONKEY"].iter().any(|part| key.contains(part))
    };
    for file in FILES {
        for line in read(file).lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let Some((key, value)) = line.split_once(": ") else { continue };
            let given =
                value.starts_with("${") || value.starts_with("/run/secrets/") || value.starts_with("./secrets/");
            // A list names secrets, the tokens of others have a name and a role before them, and a path is no key.
            let told = value.starts_with('[')
                || value.contains(":${")
                || value.starts_with("certs/")
                || value.starts_with("/badger");
            assert!(!secret(key) || given || told, "{file}: {line}");
            // No address carries a password either.
            if let Some((_, rest)) = value.split_once("://")
                && let Some((login, _)) = rest.split_once('@')
            {
                assert!(login.contains("${"), "{file}: {line}");
            }
        }
    }
    for (name, random) in template() {
        assert!(random == secret(&name), "{name}");
    }
    let ignored = read(".gitignore");
    assert!([".env", "secrets/"].iter().all(|name| ignored.lines().any(|line| line == *name)), "{ignored}");
}

#[test]
fn the_template_has_what_the_files_ask_for_and_nothing_else() {
    let mut asked = BTreeSet::new();
    for file in FILES {
        let text = read(file);
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
        for part in lines.split("${").skip(1) {
            asked.insert(part.split([':', '}']).next().unwrap_or_default().to_owned());
        }
    }
    // By way of a file in secrets/.
    asked.insert("GRAFANA_ADMIN_PASSWORD".to_owned());
    assert_eq!(asked, template().into_keys().collect::<BTreeSet<_>>());
}

#[test]
fn what_prometheus_is_to_scrape_says_so_by_a_job_that_there_is() {
    let jobs: BTreeSet<String> = Settings::default().jobs.into_iter().map(|job| job.name).collect();
    let mut named = BTreeSet::new();
    for (name, service) in services(true) {
        if let Some(job) = service["labels"]["watchkeeper.job"].as_str() {
            assert!(jobs.contains(job), "{name}: {job}");
            assert!(service["labels"]["watchkeeper.port"].as_str().is_some_and(|port| port.parse::<u16>().is_ok()));
            named.insert(job.to_owned());
        }
    }
    let exporters = ["alertmanager", "api", "docker", "kafka", "node", "postgres", "redis", "traefik"];
    assert_eq!(named.iter().map(String::as_str).collect::<Vec<_>>(), exporters);
}

#[test]
fn alertmanager_tells_the_app_by_its_webhook_with_a_token_from_a_file() {
    for config in ["alertmanager.yml", "alertmanager.webhook.yml"] {
        let text = read(&format!("alertmanager/{config}"));
        assert!(text.contains("url: http://api:3000/api/v1/monitoring/webhooks/alertmanager"), "{text}");
        assert!(text.contains("credentials_file: /run/secrets/monitoring_token"), "{text}");
    }
    let services: BTreeMap<_, _> = services(true).into_iter().collect();
    for name in ["alertmanager", "alertmanager-b"] {
        let given: Vec<_> = services[name]["secrets"].as_vec().expect("secrets").iter().map(|s| &s["source"]).collect();
        assert!(given.iter().any(|secret| secret.as_str() == Some("monitoring_token")), "{name}: {given:?}");
    }
    let token = services["api"]["environment"]["MONITORING_ALERTMANAGER_TOKEN"].as_str().unwrap_or_default();
    assert_eq!(token, "random-MONITORING_TOKEN");
}

/// Runs the start script in a copy of the stack, without starting anything.
fn start(folder: &Path, arguments: &[&str]) -> Output {
    let mut bash = Command::new("bash");
    bash.arg(folder.join("stack/start.sh")).arg("--check").args(arguments);
    for name in template().into_keys() {
        bash.env_remove(name);
    }
    bash.output().expect("bash can be run")
}

#[test]
fn the_start_makes_its_secrets_at_random_and_starts_nothing_while_a_value_is_missing() {
    bring_up_to_date();
    let copy = || {
        let folder = Folder::new("compose");
        let copied = Command::new("cp").arg("-r").arg(path("")).arg(folder.path().join("stack")).status();
        assert!(copied.expect("cp can be run").success());
        for left in [".env", "secrets"] {
            let left = folder.path().join("stack").join(left);
            let _ = std::fs::remove_file(&left).or_else(|_| std::fs::remove_dir_all(&left));
        }
        folder
    };
    let folders = [copy(), copy()];
    let made = folders.each_ref().map(|folder| {
        for arguments in [&["metrics"][..], &["errors", "traces", "logs"], &["--ha", "metrics"]] {
            let output = start(folder.path(), arguments);
            assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        }
        std::fs::read_to_string(folder.path().join("stack/.env")).expect("it is made")
    });
    let mut random = 0;
    for (name, is_random) in template() {
        let [one, other] = made.each_ref().map(|env| {
            let start = format!("{name}=");
            env.lines().find_map(|line| line.strip_prefix(&start)).expect("it is there").to_owned()
        });
        assert_eq!(one != other, is_random, "{name}");
        assert!(!is_random || one.len() == 64, "{name}: {one}");
        random += usize::from(is_random);
    }
    assert!(random > 10, "{random}");

    // Who may sign in at the edge, nobody can make up.
    let folder = folders[0].path();
    let output = start(folder, &["edge"]);
    assert!(!output.status.success() && text(&output).contains("edge_users"), "{}", text(&output));
    let env = made[0].lines().map(|line| if line.starts_with("LOG_DAYS=") { "LOG_DAYS=" } else { line });
    let env = env.map(|line| if line.starts_with("ELASTIC_PASSWORD=") { "ELASTIC_PASSWORD=changeme" } else { line });
    std::fs::write(folder.join("stack/.env"), env.collect::<Vec<_>>().join("\n")).expect("it can be written");
    let output = start(folder, &["logs"]);
    assert!(!output.status.success() && text(&output).contains("lacks a value for: LOG_DAYS"), "{}", text(&output));
    std::fs::write(folder.join("stack/.env"), made[1].replace("ELASTIC_PASSWORD=", "ELASTIC_PASSWORD=changeme\n#"))
        .expect("it can be written");
    let output = start(folder, &["logs"]);
    assert!(!output.status.success() && text(&output).contains("fewer than 16 characters"), "{}", text(&output));
}
