//! Realtime: sockets, messages, and the tasks and imports behind them.

use std::time::Duration;

use watchkeeper::metric::Tracked;
use watchkeeper::presets::realtime::{DisconnectReason, WebsocketConnection};
use watchkeeper::presets::{Presets, Status};

use crate::day::Moment;

/// The connections that are open.
#[derive(Debug, Default)]
pub(crate) struct Realtime {
    websockets: Vec<WebsocketConnection>,
    socketio: Vec<Tracked>,
}

impl Realtime {
    pub(crate) fn record(&mut self, metrics: &Presets, moment: &mut Moment) {
        let realtime = metrics.realtime();
        let open = 10 + (120.0 * moment.busy()) as usize;
        while self.websockets.len() < open {
            self.websockets.push(realtime.connect_websocket());
        }
        self.socketio.resize_with(open / 4, || realtime.track_socketio());
        let leaving = if moment.in_trouble() { 0.5 } else { 0.05 };
        if moment.happens(leaving)
            && let Some(socket) = self.websockets.pop()
        {
            use DisconnectReason::{ClientClosed, Dropped, ProtocolError, ServerClosed, Timeout};
            socket.close(moment.one_of(&[ClientClosed, ClientClosed, ServerClosed, Timeout, ProtocolError, Dropped]));
        }
        for (event, often) in [("scan", 0.6), ("moved", 0.4), ("presence", 0.2)] {
            (0..moment.count(often)).for_each(|_| realtime.record_websocket_event(event));
        }
        for (kind, often) in [("position", 1.5), ("stock", 0.5), ("chat", 0.2)] {
            (0..moment.count(often)).for_each(|_| realtime.record_message(kind));
        }
        jobs(metrics, moment);
    }
}

fn jobs(metrics: &Presets, moment: &mut Moment) {
    let jobs = metrics.jobs();
    let failing = moment.failing(0.01);
    for (task, middle, often) in [("reindex", 2_000, 0.05), ("thumbnails", 300, 0.3), ("stocktaking", 9_000, 0.02)] {
        for _ in 0..moment.count(often) {
            let status = if moment.happens(failing) { Status::Error } else { Status::Success };
            jobs.record_task(task, status, moment.time(Duration::from_millis(middle)));
        }
    }
    for _ in 0..moment.count(0.05) {
        let status = if moment.happens(failing) { Status::Error } else { Status::Success };
        jobs.record_import(status);
        for _ in 0..8 {
            let status = if moment.happens(failing) { Status::Error } else { Status::Success };
            jobs.record_import_file(status);
        }
    }
}
