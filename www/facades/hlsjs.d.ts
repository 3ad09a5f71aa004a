// What `nearlive-hlsjs.js` gives a page that was written for hls.js: the global `Hls`. Lengths are in seconds, rates of data in bits
// a second. What is not here warns once in the console, by its name, when a page uses it.

/** A player. One plays one playlist in one element; `loadSource` and `attachMedia` come in any order. */
declare class Hls {
  static readonly version: string;
  static readonly Events: Hls.Names;
  static readonly ErrorTypes: Hls.Names;
  static readonly ErrorDetails: Hls.Names;
  static readonly DefaultConfig: Hls.Config;
  static isSupported(): boolean;
  static isMSESupported(): boolean;

  constructor(config?: Hls.Config);

  /** What the page has set, and defaults for some of the rest. */
  config: Hls.Config;
  readonly url: string | null;
  readonly media: HTMLMediaElement | null;
  loadSource(url: string): void;
  attachMedia(media: HTMLMediaElement | { media: HTMLMediaElement }): void;
  detachMedia(): void;
  /** Fetches media from now on; `at` is where it is played from. After a fatal error all is loaded again. */
  startLoad(at?: number): void;
  /** Nothing more is fetched. What is buffered plays on. */
  stopLoad(): void;
  recoverMediaError(): void;
  /** Does nothing. */
  swapAudioCodec(): void;
  destroy(): void;

  /** `scope` is `this` in the listener; else the player is. */
  on(name: string, listener: Hls.Listener, scope?: object): void;
  once(name: string, listener: Hls.Listener, scope?: object): void;
  /** Without a listener: all of this event. */
  off(name: string, listener?: Hls.Listener): void;
  removeAllListeners(name?: string): void;

  /** Lowest first; empty before the playlist is known. */
  readonly levels: Hls.Level[];
  /** The level on the screen; -1: none yet. Setting it chooses one, -1 leaves it to the player. */
  currentLevel: number;
  /** The level that is fetched; setting it is as setting `currentLevel`. */
  nextLevel: number;
  loadLevel: number;
  nextLoadLevel: number;
  readonly manualLevel: number;
  readonly autoLevelEnabled: boolean;
  /** The highest level that the player may choose; -1: any. */
  autoLevelCapping: number;
  readonly startLevel: number;
  capLevelToPlayerSize: boolean;
  readonly bandwidthEstimate: number;

  /** Behind the live edge; 0 on demand. */
  readonly latency: number;
  readonly targetLatency: number | null;
  /** Where the live edge is played, in the element's time. */
  readonly liveSyncPosition: number | null;
  /** When the picture shown was taken. Live only. */
  readonly playingDate: Date | null;
  readonly lowLatencyMode: boolean;

  /** Always empty and -1: there is no choice of sound and text. */
  readonly audioTracks: never[];
  audioTrack: number;
  readonly subtitleTracks: never[];
  subtitleTrack: number;
  subtitleDisplay: boolean;
}

declare namespace Hls {
  /** `NAME_OF_IT` to the word for it. */
  interface Names {
    readonly [name: string]: string;
  }

  /** `data` has what hls.js gives with the event, as far as Nearlive knows it. */
  type Listener = (name: string, data: any) => void;

  interface Level {
    id: number;
    name: string | undefined;
    bitrate: number;
    /** In pixels; 0 where the playlist does not say. */
    width: number;
    height: number;
    /** RFC 6381, as "avc1.64001f". */
    videoCodec: string | undefined;
    audioCodec: string | undefined;
    /** Nearlive's name for it. */
    nearliveId: string;
  }

  /** What is obeyed; other settings are kept and have no effect. Where a live setting is not given, the player finds its own distance. */
  interface Config {
    /** False: no media is fetched to be played before `startLoad()`. Default true. */
    autoStartLoad?: boolean;
    /** Where a film begins. Default -1: at its start. */
    startPosition?: number;
    startLevel?: number;
    maxBufferLength?: number;
    backBufferLength?: number;
    capLevelToPlayerSize?: boolean;
    abrEwmaDefaultEstimate?: number;
    /** Distance to the live edge. */
    liveSyncDuration?: number;
    /** The same in lengths of a segment. */
    liveSyncDurationCount?: number;
    /** Farther behind than this it jumps. */
    liveMaxLatencyDuration?: number;
    /** The same in lengths of a segment. */
    liveMaxLatencyDurationCount?: number;
    /** The fastest rate that brings it nearer to the edge, 1 to 1.1; 1: it only jumps. Default 1.1. */
    maxLiveSyncPlaybackRate?: number;
    /** In ms. */
    fragLoadingTimeOut?: number;
    fragLoadPolicy?: { default?: { maxTimeToFirstByteMs?: number } };
    /** Called before each request is sent; may be async. */
    xhrSetup?: (xhr: XMLHttpRequest, url: string) => void | Promise<void>;
    /** Gives the request to make. */
    fetchSetup?: (context: { url: string; type: string }, init: RequestInit) => Request | Promise<Request>;
    lowLatencyMode?: boolean;
    debug?: boolean;
    [setting: string]: any;
  }
}
