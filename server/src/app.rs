//! What the HTTP handlers see: the cameras, the clock, who may ask.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use nearlive::time::Instant;
use tokio::sync::watch;

use crate::camera::status::Status;
use crate::clock::Clock;
use crate::http::gate::Gate;
use crate::http::still::Stills;
use crate::store::{self, Budget};

/// Everything that is served.
#[derive(Debug)]
pub struct App {
    /// The cameras, in the order of the configuration.
    pub cameras: Vec<Served>,
    /// The time.
    pub clock: Clock,
    /// Since when it runs.
    pub started: Instant,
    /// All media in memory.
    pub budget: Arc<Budget>,
    /// Requests answered, for `/metrics`.
    pub requests: AtomicU64,
    /// Connections now, for `/metrics`.
    pub connections: AtomicU64,
    /// Who may ask.
    pub gate: Gate,
    /// Makes stills.
    pub stills: Option<Stills>,
}

/// One camera as the HTTP handlers see it.
#[derive(Debug)]
pub struct Served {
    /// Its place in addresses.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its host and port, for sentences.
    pub place: String,
    /// How far back a viewer can go.
    pub window: Duration,
    /// Its media.
    pub store: Arc<store::Camera>,
    /// Its state.
    pub status: watch::Receiver<Status>,
}

impl App {
    /// An app without cameras.
    pub fn new(clock: Clock, budget: Arc<Budget>) -> Self {
        Self {
            cameras: Vec::new(),
            clock,
            started: clock.now(),
            budget,
            requests: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            gate: Gate::default(),
            stills: None,
        }
    }

    /// The camera with this id.
    pub fn camera(&self, id: &str) -> Option<&Served> {
        self.cameras.iter().find(|c| c.id == id)
    }
}
