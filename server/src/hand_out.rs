//! `nearlive-server files`: a folder over HTTP, in the place of cameras.

use std::path::Path;
use std::sync::Arc;

use crate::app::App;
use crate::args::{self, Args};
use crate::clock::Clock;
use crate::descriptors;
use crate::error::Error;
use crate::http::folder::Folder;
use crate::http::gate::Gate;
use crate::http::limits::Limits;
use crate::http::serve;
use crate::log;
use crate::shutdown::Shutdown;
use crate::store::Budget;

/// Serves the folder at `path` until the shutdown.
pub(crate) async fn serve(args: &Args, path: &Path) -> Result<(), Error> {
    let shutdown = Shutdown::default();
    shutdown.on_signals().map_err(|source| Error::Io { doing: "handling signals", source })?;
    let folder =
        Folder::new(path).map_err(|problem| Error::Folder { path: path.to_owned(), problem })?;
    let listener = serve::listen(args.listen.unwrap_or(args::DEFAULT_LISTEN)).await?;
    let address =
        listener.local_addr().map_err(|source| Error::Io { doing: "listening", source })?;
    let limits = Limits::default();
    // Each answer may have a file open.
    if let Err((has, needs)) = descriptors::provide(limits.connections * 2, 0) {
        tracing::warn!(
            "many clients at a time may need {needs} open files; the system allows this process \
             {has}: raise that (ulimit -n, or LimitNOFILE= of systemd)"
        );
    }
    let mut app = App::new(Clock::start(), Arc::new(Budget::new(0)));
    app.gate = Gate::new(args.origins.iter().cloned());
    app.folder = Some(folder);
    log::say(&format!("Hands out {}. {}", path.display(), serve::greeting(address)));
    serve::run(listener, Arc::new(app), limits, shutdown).await;
    Ok(())
}
