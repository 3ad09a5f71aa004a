//! `nearlive-server demo`: a test camera in the same process, and commands for its faults.
//!
//! The camera is a real RTSP server on a port of this machine, so that everything else works as
//! with a bought camera. Commands typed at the terminal cause its faults: `unplug`, then `plug`.

use std::io::BufRead as _;
use std::path::Path;

use nearlive_camera::{Camera, CameraConfig, Control, FAULTS, Fault};

use crate::camera::address::Address;
use crate::config::Config;
use crate::error::Error;
use crate::log;

/// The running test camera.
pub struct Demo {
    camera: Camera,
}

impl Demo {
    /// Starts the camera on a free port.
    pub async fn start(ffmpeg: &Path) -> Result<Self, Error> {
        let config = CameraConfig {
            name: "Nearlive demo".into(),
            ffmpeg: ffmpeg.to_owned(),
            ..CameraConfig::default()
        };
        let camera = Camera::start(config).await.map_err(|e| Error::Demo(e.to_string()))?;
        Ok(Self { camera })
    }

    /// The configuration that serves it.
    pub fn config(&self) -> Result<Config, Error> {
        Ok(Config::single("demo", "Demo camera", Address::parse(&self.camera.url())?))
    }

    /// Takes commands from the terminal from now on.
    pub fn listen_to_commands(&self) {
        log::say("Type `unplug` and Enter to pull the camera's plug, `plug` to put it back.\n");
        let control = self.camera.control();
        // In a thread of its own: a read from a terminal cannot be cancelled, and must not keep
        // the program from ending.
        let _ = std::thread::Builder::new().name("commands".into()).spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                if let Some(answer) = command(&control, line.trim()) {
                    log::say(&(answer + "\n"));
                }
            }
        });
    }

    /// Ends the camera.
    pub async fn stop(self) {
        self.camera.stop().await;
    }
}

fn command(control: &Control, line: &str) -> Option<String> {
    match line {
        "" => None,
        "plug" | "clear" => {
            control.clear();
            Some("the camera is well again".into())
        }
        fault => Some(match fault.parse::<Fault>() {
            Ok(fault) => {
                control.set(fault);
                "done; `plug` ends it".into()
            }
            Err(_) => format!("there are: plug, {FAULTS}"),
        }),
    }
}
