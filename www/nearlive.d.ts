// The reference of Nearlive's JavaScript API. Lengths are in seconds unless a name says otherwise.

/**
 * How a player behaves; `configure()` changes it later. An option with a wrong value, or that does not exist, is named in the console with what it has to be, and the
 * default is used.
 */
export interface Options {
  /**
   * Distance to the live edge to hold, in seconds, or "auto": what the manifest says, else what the measured jitter of the
   * connection allows. Default "auto".
   */
  latency?: number | "auto";
  /**
   * The same in lengths of the stream's segments, where `latency` is "auto" or not given. To give `latency` again ends it. Default: none.
   */
  latencySegments?: number;
  /** How far behind the target a live stream may fall before it jumps instead of catching up. Default 3. */
  maxDrift?: number;
  /** The same in lengths of the stream's segments, in place of `maxDrift`; to give `maxDrift` again ends it. Default: none. */
  maxDriftSegments?: number;
  /**
   * The slowest rate that keeps a live stream at its distance: 1 is never slower. Default 0.95; the player takes none below it.
   */
  minRate?: number;
  /** The fastest: 1 is never faster, so that only jumps bring it nearer. Default 1.1; the player takes none above it. */
  maxRate?: number;
  /** Media to hold ahead of the position on demand, and live when far from the edge. Default 30. */
  bufferAhead?: number;
  /** Media to keep behind the position. Default 20. */
  bufferBehind?: number;
  /**
   * How long a request may go without a byte before it is cancelled and made again. Default 8. For a live segment that is read
   * while it is written, its own length is used instead.
   */
  requestTimeout?: number;
  /** Start without waiting for `video.play()`. Default true. */
  autoplay?: boolean;
  /**
   * Request media, and newer manifests and playlists. With false what is buffered plays on, and then the picture waits. What has to be
   * known for `loaded` is requested anyway. Default true.
   */
  fetching?: boolean;
  /** Whether requests to other origins carry cookies, as in `fetch()`. Default "same-origin". */
  credentials?: "omit" | "same-origin" | "include";
  /**
   * Play through `ManagedMediaSource` where the browser has both: it decides how much media is held, and saves power. It is used
   * anyway where there is no `MediaSource` (an iPhone). Default false.
   */
  managed?: boolean;
  /** The most that automatic quality may choose, in lines of the picture. Default: any; 360 where the viewer's browser saves data. */
  maxHeight?: number;
  /** The same in bits a second. Default: any. */
  maxBandwidth?: number;
  /** What the connection is taken to carry before anything is measured, in bits a second. Default 3e6 live, 2e6 on demand. */
  startBandwidth?: number;
  /** Fetch no picture more than twice as high as it is shown. Default true. */
  capToElement?: boolean;
}

/** What can be said only when a player is made. */
export interface CreateOptions extends Options {
  /**
   * Makes each request in place of the browser's `fetch()`: to sign addresses, add headers, or choose credentials. It gets an
   * absolute address (not that of a single .mp4 or .webm, which the browser requests itself) and, in `init`, `method`, `signal`, `headers` (`Range`) and `credentials` where the player sets them, and
   * gives what `fetch()` gives: a `Response` of which nothing has been read.
   */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /**
   * "xhr": requests are made by XMLHttpRequest, which a browser without readable streams uses anyway. Default "fetch".
   */
  transport?: "fetch" | "xhr";
}

/** A quality that `setQuality()` can choose. */
export interface Quality {
  /** For `setQuality()`. */
  id: string;
  /** Nominal, in bits a second. */
  bandwidth: number;
  /** In pixels; null where the manifest does not say. */
  width: number | null;
  height: number | null;
  /** RFC 6381, such as "avc1.64001f". */
  codecs: string;
}

/** What a player is doing. */
export type State = "idle" | "starting" | "playing" | "paused" | "stalled" | "ended" | "failed";

export type Category = "network" | "manifest" | "media" | "browser" | "usage";

/**
 * What went wrong. `code` never changes its meaning:
 *
 * | code | category | what |
 * |---|---|---|
 * | 1001 | network | a request got no answer (offline, refused, CORS, DNS) |
 * | 1002 | network | an answer with an error status |
 * | 1003 | network | no byte came for too long |
 * | 2001 | manifest | it is not what it should be |
 * | 2002 | manifest | it uses something that this player cannot do yet |
 * | 2003 | manifest | it holds nothing that can be played |
 * | 2004 | manifest | segments are not there when it says (a late encoder, a clock that is off); never fatal |
 * | 3001 | media | a segment could not be read |
 * | 3002 | media | the browser's decoder gave up |
 * | 3003 | media | the browser has no room for more |
 * | 4001 | browser | it can play none of the codecs |
 * | 4002 | browser | it has no MediaSource or no WebAssembly |
 * | 5001 | usage | a call with arguments that make no sense, or (name "AbortError") interrupted by another one |
 */
export interface NearliveError extends Error {
  code: number;
  category: Category;
  /** Playback has ended because of it and will not go on by itself. */
  fatal: boolean;
  /** For a person: what, where, what to do. */
  message: string;
  /** What was being fetched, if anything. */
  url?: string;
  /** For a developer. */
  detail: string;
}

/** The figures of the moment of the call. */
export interface Stats {
  state: State;
  /**
   * What the player plays through; empty where the browser has nothing for it. "video": the browser plays by itself, a single file
   * or, where it has no MediaSource of either kind, HLS; then most figures are null or 0, and there are no qualities to choose from.
   */
  via: "" | "MediaSource" | "ManagedMediaSource" | "video";
  /** Empty before the manifest is known. */
  protocol: "" | "dash" | "hls" | "file";
  live: boolean;
  /**
   * The origin's wall clock now minus the time of the frame shown: when the encoder had it (`prft`) where the media says so,
   * else its place on the manifest's clock. A camera's own delay before its server is not in it: it cannot be known over RTSP.
   */
  latency: number | null;
  /** That time, in ms since 1970; null on demand and while there is no picture. */
  playingDate: number | null;
  targetLatency: number | null;
  /**
   * How much newer than the frame shown could be had, beyond `targetLatency`: what `goLive()` would gain. By the manifest's
   * clock, which goes on while the camera is away: the delay grows then, and nothing newer is to be had.
   */
  behind: number | null;
  /** Media ahead of the position, the least over the tracks. */
  bufferAhead: number;
  playbackRate: number;
  /** Estimate of the connection. */
  throughputKbps: number | null;
  quality: Quality | null;
  /** Why that one, for a person. */
  qualityReason: string;
  /** How often the picture stood still after the start, and for how long in all. Those in `sourceStalls` are not counted here. */
  stalls: { count: number; seconds: number };
  /**
   * The same while no new picture came from the camera. A stall is counted in `stalls` until its cause is known, about a second
   * later, and moves over here then.
   */
  sourceStalls: { count: number; seconds: number };
  switches: number;
  /** Bytes of media received. */
  bytes: number;
  requests: number;
  /** All errors, also those that are not fatal. */
  errors: number;
  droppedFrames: number;
  /** From `load()` to the first moving picture. */
  startupMs: number | null;
  /** What the player waits for, in words; empty when it waits for nothing. */
  waitingFor: string;
  /** What the player requests again at the moment because it could not be had, in words for a person; empty when there is none. */
  trouble: string;
}

/** The events of a player, and the object that a listener gets. */
export interface Events {
  state: { state: State };
  /** The manifest is known. */
  loaded: { qualities: Quality[]; live: boolean };
  /** Another quality is on the screen from now on. */
  quality: Quality & { reason: string; from: Quality | null };
  /** Also errors after which the player goes on: see `fatal`. */
  error: NearliveError;
  /** The picture moves again after it stood still for so long, whatever the cause. */
  stall: { seconds: number };
  /**
   * No new picture comes from the camera, or one does again: `cause` is a sentence, of the companion server where it says
   * why, and empty when all is well. `age` is that of the picture shown, as `latency` in `stats()`. Repeated every second while
   * there is a cause.
   */
  source: { cause: string; age: number | null };
  /** The browser refused to play with sound: it plays muted (`muted`), or waits for a click and `video.play()` (`blocked`). */
  autoplay: { muted: boolean; blocked: boolean };
}

/** One player in one media element. A call with wrong arguments throws (5001), and what is playing goes on. */
export interface Player {
  /**
   * Plays an .mpd or .m3u8, or a single .mp4 or .webm, relative to the page. Fulfilled when the manifest is known; rejected with the `NearliveError`
   * that ended it before. If the server cannot be reached or answers with an error of its own, the player tries again without
   * end; `error` and `stats().trouble` say so.
   */
  load(url: string): Promise<void>;
  on<K extends keyof Events>(name: K, listener: (event: Events[K]) => void): void;
  off<K extends keyof Events>(name: K, listener: (event: Events[K]) => void): void;
  /** All qualities, best first; empty before the manifest is known. */
  qualities(): Quality[];
  /** Takes an id of `qualities()`, or "auto". An unknown id is named in the console, and the player chooses. */
  setQuality(id: string): void;
  /**
   * Changes options; those that are not given stay as they are. `autoplay` and `startBandwidth` count for the next `load()`;
   * `credentials`, `managed`, `fetch` and `transport` cannot be changed.
   */
  configure(options: Options): void;
  /** Jumps to the live edge. */
  goLive(): void;
  stats(): Stats;
  /** Ends the player and frees what it holds. Without this it goes on, even when its video is removed from the page. May be called twice. */
  destroy(): void;
}

export interface Nearlive {
  readonly version: string;
  /**
   * Fulfilled when the module that plays DASH and HLS is compiled. Reading this property starts its download, as `create()`
   * without `src` does.
   */
  readonly ready: Promise<void>;
  /**
   * Makes a player for this element. The player that the element had before is destroyed. With `src`, the address that will be
   * loaded first, a page downloads less: where it ends in `.mpd` or `.m3u8`, a module that plays DASH or HLS alone. What another
   * address needs is downloaded when it is loaded.
   */
  create(video: HTMLMediaElement, options?: CreateOptions, src?: string): Promise<Player>;
}

/**
 * `<nearlive-player>`. Attributes: `src`, `autoplay`, `muted`, `controls`, `poster` as of `<video>`, and `latency` as of
 * `Options`. The events of the player are dispatched on the element, with the same objects in `detail`.
 *
 * Keys while it has the focus: space or k, m, f (full screen), i (statistics), p (picture in picture), l or End (live edge;
 * on demand 10 s on), j, arrows, Home.
 */
export interface NearlivePlayerElement extends HTMLElement {
  src: string | null;
  readonly player: Player | null;
  readonly video: HTMLVideoElement;
}

/** What `nearlive.mjs` exports, and the global `nearlive` of `nearlive.js`. */
export const nearlive: Nearlive;
export default nearlive;

declare global {
  interface HTMLElementTagNameMap {
    "nearlive-player": NearlivePlayerElement;
  }
}
