//! What the HTTP handlers can see: the cameras, the clock, and which clients may ask.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use nearlive::time::Instant;
use tokio::sync::watch;

use crate::camera::status::Status;
use crate::clock::Clock;
use crate::http::folder::Folder;
use crate::http::gate::Gate;
use crate::http::still::Stills;
use crate::store::{self, Budget};

/// Everything that the server serves.
#[derive(Debug)]
pub struct App {
    /// The cameras, in the order of the configuration.
    pub cameras: Vec<Served>,
    /// The time.
    pub clock: Clock,
    /// When the server started.
    pub started: Instant,
    /// All media in memory.
    pub budget: Arc<Budget>,
    /// Requests answered, for `/metrics`.
    pub requests: AtomicU64,
    /// Connections now, for `/metrics`.
    pub connections: AtomicU64,
    /// The names and sites from which clients may ask.
    pub gate: Gate,
    /// Makes stills.
    pub stills: Option<Stills>,
    /// What is handed out in the place of cameras.
    pub folder: Option<Folder>,
}

/// One camera, in the form that the HTTP handlers need.
#[derive(Debug)]
pub struct Served {
    /// Its name in URLs.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Its host and port, for messages.
    pub place: String,
    /// How far back a viewer can seek.
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
            folder: None,
        }
    }

    /// The camera with this id.
    pub fn camera(&self, id: &str) -> Option<&Served> {
        self.cameras.iter().find(|c| c.id == id)
    }
}
