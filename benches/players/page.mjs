// The page's side of the bench: one adapter a player, and one way to measure them all, from outside: by the media element's
// clock and by the camera's clock in the picture. Served beside the libraries; run.mjs calls `measure` in the page.

import { installClock } from "/clock.mjs";

const script = (src) =>
  new Promise((resolve, reject) => {
    const tag = document.createElement("script");
    Object.assign(tag, { src, onload: resolve, onerror: () => reject(new Error(`cannot load ${src}`)) });
    document.head.append(tag);
  });

// prepare(): loads the library. play(video, urls, target, failed): starts; `target` is the delay asked for in seconds, or null
// for the player's defaults.
const PLAYERS = {
  nearlive: {
    async prepare() {
      await script("/dist/nearlive.js");
      await nearlive.ready;
    },
    async play(video, urls, target, failed) {
      const player = await nearlive.create(video, target === null ? {} : { latency: target });
      player.on("error", (error) => error.fatal && failed(`${error.code} ${error.message}`));
      await player.load(urls.dash);
    },
  },
  "nearlive-hls": {
    prepare: () => PLAYERS.nearlive.prepare(),
    play: (video, urls, target, failed) => PLAYERS.nearlive.play(video, { dash: urls.hls }, target, failed),
  },
  hlsjs: {
    prepare: () => script("/npm/hls.js/dist/hls.min.js"),
    play(video, urls, target, failed) {
      const player = new Hls(target === null ? {} : { liveSyncDuration: target, maxLiveSyncPlaybackRate: 1.1 });
      player.on(Hls.Events.ERROR, (_, data) => data.fatal && failed(data.details));
      player.loadSource(urls.hls);
      player.attachMedia(video);
    },
  },
  dashjs: {
    prepare: () => script("/npm/dashjs/dist/modern/umd/dash.all.min.js"),
    play(video, urls, target, failed) {
      const player = dashjs.MediaPlayer().create();
      player.updateSettings({ debug: { logLevel: dashjs.Debug.LOG_LEVEL_NONE } });
      if (target !== null) {
        player.updateSettings({
          streaming: {
            delay: { liveDelay: target },
            liveCatchup: { enabled: true, playbackRate: { min: -0.1, max: 0.1 } },
          },
        });
      }
      player.on(dashjs.MediaPlayer.events.ERROR, ({ error }) => failed(`${error?.code} ${error?.message}`));
      player.initialize(video, urls.dash, true);
    },
  },
  shaka: {
    prepare: () => script("/npm/shaka-player/dist/shaka-player.compiled.js"),
    async play(video, urls, target, failed) {
      const player = new shaka.Player();
      // Live, it tells of failed requests (1001 to 1003) as critical, and then tries again.
      player.addEventListener("error", ({ detail }) => {
        const retried = detail.code >= 1001 && detail.code <= 1003;
        if (detail.severity === 2 && !retried) failed(`shaka ${detail.code} ${detail.data?.slice(0, 2).join(" ")}`);
      });
      if (target !== null) {
        player.configure({
          manifest: { defaultPresentationDelay: target, dash: { ignoreSuggestedPresentationDelay: true } },
          streaming: {
            rebufferingGoal: 0.01,
            updateIntervalSeconds: 0.1,
            liveSync: {
              enabled: true,
              targetLatency: target,
              targetLatencyTolerance: 0.05,
              minPlaybackRate: 0.95,
              maxPlaybackRate: 1.1,
            },
          },
        });
      }
      await player.attach(video);
      await player.load(urls.dash);
    },
  },
};

/**
 * Plays for `seconds`, and returns { startMs, delays, stalls, stalledMs, height, failures }. `delays` are the ages of the
 * picture on screen in ms, ten a second, the first `settle` seconds left out. A stall is `currentTime` standing still for more
 * than 250 ms after the start.
 */
globalThis.measure = async ({ player, urls, target, seconds, settle, patience, muted }) => {
  const { prepare, play } = PLAYERS[player];
  const video = document.querySelector("video");
  video.muted = muted;
  installClock();
  await prepare();
  const result = { startMs: null, delays: [], stalls: 0, stalledMs: 0, height: 0, failures: [] };
  const failed = (why) => result.failures.push(why);
  const began = performance.now();
  Promise.resolve(play(video, urls, target, failed)).catch((error) => failed(String(error?.message || error)));

  let last = { time: null, at: began };
  let [nextSample, lastStall, finished] = [0, false, null];
  const watch = (resolve) => {
    const now = performance.now();
    const time = video.currentTime;
    const moves = time !== last.time && video.readyState >= 3 && !video.paused && !video.seeking;
    if (result.startMs === null) {
      // The first time that is seen is no movement yet: a player seeks to where it starts.
      if (moves && last.time !== null && time > last.time && time - last.time < 1) {
        result.startMs = now - began;
        finished = now + seconds * 1000;
      }
      last = { time, at: now };
      if (now - began > patience * 1000) failed(`no moving picture within ${patience} s`);
    } else {
      if (time !== last.time) {
        if (lastStall) result.stalledMs += now - last.at;
        lastStall = false;
        last = { time, at: now };
      } else if (now - last.at > 250 && !lastStall) {
        lastStall = true;
        result.stalls++;
      }
      if (now > began + result.startMs + settle * 1000 && now >= nextSample) {
        nextSample = now + 100;
        const delay = nearliveClock(video);
        if (delay !== null) result.delays.push(delay);
        result.height = video.videoHeight;
      }
    }
    if ((finished !== null && now >= finished) || result.failures.length) {
      if (lastStall) result.stalledMs += now - last.at;
      clearInterval(timer);
      resolve(result);
    }
  };
  let timer;
  return new Promise((resolve) => (timer = setInterval(watch, 4, resolve)));
};
