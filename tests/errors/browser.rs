//! The guide's snippet for the browser, run with the real package: its trace goes on in the service.

use std::path::{Path, PathBuf};

use crate::support::example::Server;
use crate::support::process::{Folder, Process, program};
use crate::support::tracker::{OK, Tracker};

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn an_error_in_the_browser_and_one_in_the_service_have_one_trace() {
    let modules = PathBuf::from(std::env::var_os("WATCHKEEPER_TEST_NODE_MODULES").unwrap_or_default());
    assert!(
        modules.join("@sentry/browser").is_dir() && modules.join("jsdom").is_dir(),
        "@sentry/browser and jsdom not found in $WATCHKEEPER_TEST_NODE_MODULES: run `bash tests/run.sh`"
    );
    let (of_the_browser, of_the_shop) = (Tracker::start(&[OK]), Tracker::start(&[OK]));
    let shop = Server::start("shop", &[], &[("GLITCHTIP_DSN", &of_the_shop.dsn())]);
    let snippet = std::fs::read_to_string(file("docs/guide/browser/errors.ts")).unwrap();
    // Vite puts these in when it builds; the snippet has no types, so it is JavaScript as it stands.
    let values = [
        ("VITE_GLITCHTIP_DSN", of_the_browser.dsn()),
        ("MODE", "production".to_owned()),
        ("VITE_RELEASE", "shop@1.2.3".to_owned()),
        ("VITE_API_URL", format!("http://{}", shop.address)),
    ];
    let built = values.iter().fold(snippet, |text, (name, value)| {
        assert!(text.contains(&format!("import.meta.env.{name}")), "{name}");
        text.replace(&format!("import.meta.env.{name}"), &format!("{value:?}"))
    });
    let folder = Folder::new("browser");
    std::fs::write(folder.path().join("errors.mjs"), built).unwrap();
    std::fs::copy(file("tests/errors/browser.mjs"), folder.path().join("browser.mjs")).unwrap();
    std::os::unix::fs::symlink(&modules, folder.path().join("node_modules")).unwrap();

    let mut browser = program("node", "nodejs");
    browser.current_dir(folder.path()).args(["browser.mjs", "./errors.mjs", &format!("http://{}", shop.address)]);
    let mut browser = Process::start(&mut browser);
    assert!(browser.wait().success(), "{}\n{}", browser.stdout(), browser.stderr());

    let failed = of_the_browser.event_with("checkout failed");
    let in_the_shop = of_the_shop.event_with("the warehouse does not answer");
    let trace = failed["contexts"]["trace"]["trace_id"].as_str().expect("a trace");
    assert_eq!(in_the_shop["contexts"]["trace"]["trace_id"], trace);
    assert_eq!(in_the_shop["tags"]["trace_id"], trace);
    assert_eq!((&failed["environment"], &failed["release"]), (&"production".into(), &"shop@1.2.3".into()));
    // One that a browser sent with a session in it would be none to GlitchTip.
    assert!(!of_the_browser.bodies().iter().any(|body| body.contains(r#""type":"session""#)));
}

#[test]
fn the_guide_shows_the_snippet_that_is_tried_here() {
    let guide = std::fs::read_to_string(file("docs/guide/errors.md")).unwrap();
    let snippet = std::fs::read_to_string(file("docs/guide/browser/errors.ts")).unwrap();
    assert!(guide.contains(&format!("```ts\n{snippet}```\n")));
}
