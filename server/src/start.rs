//! Starts what the configuration asks for: a store, a packager and a supervisor per camera.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::app::{App, Served};
use crate::camera::supervisor::{Supervisor, Surroundings, outputs};
use crate::config::{self, Audio, Config};
use crate::engine::argv::Output;
use crate::package::Packager;
use crate::store::{self, Budget, Limits, RenditionKind, RenditionSpec};

/// Starts a supervisor for each camera of `config` in `tasks`; they run in `cameras`.
pub(crate) fn start(
    config: &Config,
    around: &Surroundings,
    tasks: &mut JoinSet<()>,
    cameras: &Handle,
) -> App {
    let budget = Arc::new(Budget::new(config.memory_bytes));
    let mut app = App::new(around.clock, Arc::clone(&budget));
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
                nominal_bps: match audio {
                    Audio::Aac { kbps, .. } => Some(u64::from(*kbps) * 1000),
                    Audio::Off => None,
                },
            },
        })
        .collect()
}
