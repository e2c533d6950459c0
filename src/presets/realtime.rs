//! Metrics of realtime connections and messages.

use std::fmt;

use crate::metric::{CounterDesc, CounterFamily, Open, RegisterError, Registry, Tracked, UpDownDesc, UpDownFamily};

crate::label_enum! {
    /// Why a WebSocket was closed.
    pub enum DisconnectReason: "reason" {
        /// The client closed it.
        ClientClosed = "client_closed",
        /// The server closed it.
        ServerClosed = "server_closed",
        /// Nothing was heard for too long.
        Timeout = "timeout",
        /// The client broke the protocol.
        ProtocolError = "protocol_error",
        /// The connection was lost, or its task ended, without a close.
        Dropped = "dropped",
    }
}

crate::open_label! {
    /// The name of the event that came or went over a WebSocket.
    pub struct Event: "event";
}

crate::open_label! {
    /// What kind of message was processed.
    pub struct MessageKind: "kind";
}

/// Counts the open WebSockets.
pub const WEBSOCKET_ACTIVE_CONNECTIONS: UpDownDesc =
    UpDownDesc::new("websocket_active_connections", "WebSockets that are open.");

/// Counts closed WebSockets.
pub const WEBSOCKET_DISCONNECTIONS: CounterDesc<(DisconnectReason,)> =
    CounterDesc::new("websocket_disconnections_total", "WebSockets that were closed, by reason.");

/// Counts events over WebSockets.
pub const WEBSOCKET_EVENTS: CounterDesc<(Open<Event>,)> =
    CounterDesc::new("websocket_events_total", "Events that came or went over WebSockets, by event.");

/// Counts the open Socket.IO connections.
pub const SOCKETIO_CONNECTIONS: UpDownDesc =
    UpDownDesc::new("socketio_connections", "Socket.IO connections that are open.");

/// Counts messages processed.
pub const MESSAGES_PROCESSED: CounterDesc<(Open<MessageKind>,)> =
    CounterDesc::new("realtime_messages_processed_total", "Realtime messages that were processed, by kind.");

/// Records realtime connections and messages.
///
/// ```
/// use watchkeeper::presets::{Presets, realtime::DisconnectReason};
///
/// let metrics = Presets::default();
/// let realtime = metrics.realtime();
/// let socket = realtime.connect_websocket();
/// realtime.record_websocket_event("scan");
/// realtime.record_message("position");
/// socket.close(DisconnectReason::ClientClosed);
/// ```
#[derive(Debug, Clone)]
pub struct RealtimeMetrics {
    websockets: UpDownFamily,
    disconnections: CounterFamily<(DisconnectReason,)>,
    events: CounterFamily<(Open<Event>,)>,
    socketio: UpDownFamily,
    messages: CounterFamily<(Open<MessageKind>,)>,
}

impl RealtimeMetrics {
    /// Registers the group.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            websockets: registry.up_down(&WEBSOCKET_ACTIVE_CONNECTIONS)?,
            disconnections: registry.counter(&WEBSOCKET_DISCONNECTIONS)?,
            events: registry.counter(&WEBSOCKET_EVENTS)?,
            socketio: registry.up_down(&SOCKETIO_CONNECTIONS)?,
            messages: registry.counter(&MESSAGES_PROCESSED)?,
        })
    }

    /// Counts a WebSocket as open until the guard is closed or dropped.
    pub fn connect_websocket(&self) -> WebsocketConnection {
        WebsocketConnection {
            disconnections: self.disconnections.clone(),
            reason: DisconnectReason::Dropped,
            _open: self.websockets.track(()),
        }
    }

    /// Counts an event that came or went over a WebSocket.
    pub fn record_websocket_event(&self, event: &str) {
        self.events.inc((event,));
    }

    /// Counts a Socket.IO connection as open until the guard is dropped.
    pub fn track_socketio(&self) -> Tracked {
        self.socketio.track(())
    }

    /// Counts a message that was processed.
    pub fn record_message(&self, kind: &str) {
        self.messages.inc((kind,));
    }
}

/// One open WebSocket. Dropped without [`close`](Self::close) it counts as closed with the reason `dropped`.
#[must_use = "dropping the guard ends the connection"]
pub struct WebsocketConnection {
    disconnections: CounterFamily<(DisconnectReason,)>,
    reason: DisconnectReason,
    _open: Tracked,
}

impl WebsocketConnection {
    /// Ends the connection for a reason.
    pub fn close(mut self, reason: DisconnectReason) {
        self.reason = reason;
    }
}

impl Drop for WebsocketConnection {
    fn drop(&mut self) {
        self.disconnections.inc((self.reason,));
    }
}

impl fmt::Debug for WebsocketConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebsocketConnection").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;

    #[test]
    fn a_websocket_is_open_until_it_is_closed_or_lost() {
        let registry = Registry::new();
        let realtime = RealtimeMetrics::register(&registry).unwrap();
        let [closed, lost, open] = [(); 3].map(|()| realtime.connect_websocket());
        let socketio = realtime.track_socketio();
        closed.close(DisconnectReason::Timeout);
        drop(lost);
        realtime.record_websocket_event("scan");
        realtime.record_message("position");
        let scrape = registry.render(Format::Text);
        for line in [
            "websocket_active_connections 1\n",
            "websocket_disconnections_total{reason=\"timeout\"} 1\n",
            "websocket_disconnections_total{reason=\"dropped\"} 1\n",
            "websocket_events_total{event=\"scan\"} 1\n",
            "socketio_connections 1\n",
            "realtime_messages_processed_total{kind=\"position\"} 1\n",
        ] {
            assert!(scrape.contains(line), "{line} is not in\n{scrape}");
        }
        drop((open, socketio));
        let scrape = registry.render(Format::Text);
        assert!(scrape.contains("websocket_active_connections 0\n"), "{scrape}");
        assert!(scrape.contains("socketio_connections 0\n"), "{scrape}");
    }
}
