//! Everything that is served, put together: for each camera a store, a packager, a supervisor.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use nearlive::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::camera::status::Status;
use crate::camera::supervisor::{Supervisor, Surroundings, outputs};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::engine::argv::Output;
use crate::http::gate::Gate;
use crate::package::Packager;
use crate::store::{self, Budget, Limits, RenditionKind, RenditionSpec};

/// What the HTTP handlers see.
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
    pub stills: Option<crate::http::still::Stills>,
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

    /// Starts a supervisor for each camera of `config` in `tasks`; they run in `cameras`.
    pub fn start(
        config: &Config,
        around: &Surroundings,
        tasks: &mut JoinSet<()>,
        cameras: &Handle,
    ) -> Self {
        let budget = Arc::new(Budget::new(config.memory_bytes));
        let mut app = Self::new(around.clock, Arc::clone(&budget));
        for camera in &config.cameras {
            camera.address.teach(&around.redactor);
            let share = config.memory_bytes / config.cameras.len().max(1) as u64;
            let bytes = share.max(Limits::default().bytes);
            let limits = Limits { window: camera.window, bytes };
            let store = store::Camera::new(renditions(camera), limits, Arc::clone(&budget));
            let packager = Packager::new(Arc::clone(&store)).called(&camera.id);
            let (supervisor, status) = Supervisor::new(camera.clone(), around.clone(), packager);
            tasks.spawn_on(supervisor.run(), cameras);
            app.cameras.push(Served {
                id: camera.id.clone(),
                name: camera.name.clone(),
                place: camera.address.place(),
                window: camera.window,
                store,
                status,
            });
        }
        app
    }
}

/// One rendition for each of the engine's outputs, in the same order.
fn renditions(camera: &config::Camera) -> Vec<RenditionSpec> {
    let mut pictures = 0;
    let mut picture = |copied, nominal_bps| {
        let id = format!("v{pictures}");
        pictures += 1;
        RenditionSpec { id, kind: RenditionKind::Video, copied, nominal_bps }
    };
    outputs(camera)
        .iter()
        .map(|output| match output {
            Output::Copy => picture(true, None),
            Output::Encode(rung) => picture(false, Some(u64::from(rung.kbps) * 1000)),
            Output::Audio(audio) => RenditionSpec {
                id: "a0".into(),
                kind: RenditionKind::Audio,
                copied: false,
                nominal_bps: Some(u64::from(crate::engine::argv::audio_kbps(*audio)) * 1000),
            },
        })
        .collect()
}
