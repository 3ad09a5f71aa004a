//! `nearlive-server encode in.mp4 out/`: a film to a ladder on demand, as DASH and HLS.
//!
//! ```text
//! film ── source ──> ladder ──> argv ──> crew: some ffmpeg at once, a run each ──> .name.part
//!                                                                       │ track: read, checked
//!                manifest <── all files <── folder: sent to the disk, renamed
//! ```
//!
//! A rung is one file with an index: fragmented MP4 with a `sidx`, or WebM with Cues. Players ask for
//! byte ranges of it; DASH and HLS name the same ones. So a seek is exact everywhere, and a file is
//! the unit that is there or not: after an interruption the files that are missing are made.

mod argv;
mod call;
mod crew;
mod ffmpeg;
mod folder;
mod job;
mod ladder;
mod made;
mod manifest;
mod piece;
pub mod problem;
mod progress;
mod source;
mod track;

use std::collections::BTreeMap;
use std::path::Path;

pub use self::job::{Form, GOP_S, Job, SOUND_HZ};

use self::call::Call;
use self::folder::{Folder, Record};
use self::made::Made;
use self::piece::{Piece, pieces};
use self::problem::Problem;
use self::source::Film;
use self::track::Track;
use crate::engine::{Engine, version};
use crate::error::Error;
use crate::repeat;
use crate::shutdown::Shutdown;

/// Encodes; returns what to tell about the result.
pub async fn encode(job: &Job, ffmpeg: &Path, shutdown: &Shutdown) -> Result<String, Error> {
    let fingerprint = source::fingerprint(&job.film)?;
    Folder::check(&job.folder, &job.film)?;
    let (_, encoders) = version::look(ffmpeg)?;
    let engine = Engine::new(ffmpeg);
    let film = look(&engine, &job.film, shutdown).await?;
    let pieces = pieces(&film, job.form, &encoders)?;
    let folder = Folder::open(&job.folder)?;
    let files = pieces.iter().map(|p| (p.name.clone(), p.args.clone())).collect();
    let record = Record { film: fingerprint, files };
    folder.begin(&record, &job.film)?;
    let mut made = Made { tracks: BTreeMap::new(), folder };
    for piece in &pieces {
        if made.folder.has(&piece.name) {
            made.read(piece, &pieces)?;
        }
    }
    let already = made.tracks.len();
    let call = Call { engine, job, record: &record, pieces: &pieces, film: &film, shutdown };
    call.make_missing(&mut made).await?;
    made.write_manifests(&pieces, &film, job.form)?;
    Ok(told(job, &pieces, &made, &film, already))
}

async fn look(engine: &Engine, path: &Path, shutdown: &Shutdown) -> Result<Film, Error> {
    let printed = ffmpeg::print(engine, argv::look(path), shutdown).await?;
    let printed = printed.ok_or(Problem::Stopped { made: 0, of: 0 })?;
    Ok(source::read(path, &printed.stdout, &printed.stderr)?)
}

/// What is told at the end.
fn told(job: &Job, pieces: &[Piece], made: &Made, film: &Film, already: usize) -> String {
    let folder = repeat::path(&job.folder, "the folder");
    let folder = folder.trim_end_matches('/');
    let manifests = match job.form {
        Form::Cmaf => format!("{folder}/manifest.mpd (DASH) and {folder}/index.m3u8 (HLS)"),
        Form::WebM => format!("{folder}/manifest.mpd (DASH)"),
    };
    let end = pieces.iter().filter_map(|p| made.tracks.get(&p.name)).map(Track::end_us).max();
    let end = u64::try_from(end.unwrap_or(0)).unwrap_or(0) / 1000;
    let mut text =
        format!("{manifests}: {} files, {}.{} s", pieces.len(), end / 1000, end % 1000 / 100);
    if already > 0 {
        text.push_str(&format!("; {already} of them were there already"));
    }
    let lasts = film.lasts.map_or(0, |d| d.as_millis());
    if lasts > end + 1000 {
        text.push_str(&format!("\nIt should last {} s: is the film damaged?", lasts / 1000));
    }
    text + "\n"
}
