//! The gauges of a whole store on a scrape: they follow what is open, and one of several watches exports them.

use std::time::Duration;

use watchkeeper::incident::{Actor, Incident, Severity};
use watchkeeper::store::Memory;
use watchkeeper::tasks::TaskOptions;
use watchkeeper::testing::Scrape;
use watchkeeper::{Watchkeeper, service_info};

use crate::stores;
use crate::support::process::PATIENCE;

const OPEN: &str = "monitoring_open_incidents";

fn options() -> TaskOptions {
    TaskOptions::new().lease(Duration::from_secs(1))
}

fn open(watch: &Watchkeeper) -> f64 {
    Scrape::of(watch).value(OPEN).unwrap_or(0.0)
}

/// Waits until scrapes of some watches show, all together, what is expected.
async fn until(watches: &[&Watchkeeper], expected: f64) {
    let start = std::time::Instant::now();
    loop {
        let shown: Vec<f64> = watches.iter().map(|watch| open(watch)).collect();
        if shown.iter().sum::<f64>() == expected {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{shown:?}, not {expected}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn draft(title: &str) -> watchkeeper::incident::IncidentDraft {
    Incident::draft(title, Severity::High)
}

#[tokio::test]
async fn a_scrape_follows_the_incidents_that_are_opened_and_resolved() {
    let watch = Watchkeeper::builder(service_info!()).store(Memory::new()).tasks(options()).build().unwrap();
    let one = watch.desk().open(draft("payments fail")).await.unwrap().incident;
    watch.desk().open(draft("mail is late")).await.unwrap();
    until(&[&watch], 2.0).await;
    watch.desk().resolve(one.id, "over", &Actor::Automation).await.unwrap();
    until(&[&watch], 1.0).await;
    let _report = watch.close(Duration::from_secs(5)).await;
    assert_eq!(Scrape::of(&watch).value(OPEN), Some(0.0), "who is closed leads no more");
}

#[tokio::test]
async fn of_two_watches_on_one_database_the_one_that_leads_exports_what_is_open() {
    let url = stores::database().await;
    let watch = || {
        let builder = Watchkeeper::builder(service_info!()).store(stores::postgres(&url));
        builder.tasks(options()).build().unwrap()
    };
    let (first, second) = (watch(), watch());
    first.desk().open(draft("payments fail")).await.unwrap();
    second.desk().open(draft("mail is late")).await.unwrap();
    until(&[&first, &second], 2.0).await;
    assert!([open(&first), open(&second)].contains(&0.0), "one exports all of it");

    let (leads, follows) = if open(&first) > 0.0 { (first, second) } else { (second, first) };
    let _report = leads.close(Duration::from_secs(5)).await;
    until(&[&follows], 2.0).await;
    until(&[&leads, &follows], 2.0).await;
}
