//! What machines ask: does it live, is it ready.
//!
//! Names sources and no page: whoever reaches the door may ask. Ready turns red by itself, by the monotonic clock.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::server::Door;

/// `GET /healthz`: the process lives. Says nothing of sources: a restart would mend none of them.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: 200, or 503 with a line for each source that is not ready.
pub(super) async fn ready(State(door): State<Door>) -> Response {
    let snapshot = door.app().board.look();
    let mut reasons = snapshot.unready(Instant::now());
    if snapshot.is_draining {
        reasons.push("finmirror is ending".to_owned());
    }
    if reasons.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n").into_response()
}
