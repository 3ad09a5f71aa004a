// What `nearlive-dashjs.js` gives a page that was written for dash.js: the global `dashjs`, and players for each
// `<video data-dashjs-player src="...">`. Lengths are in seconds. What is not here warns once in the console, by its name, when a page
// uses it.

declare namespace dashjs {
  const Version: string;
  /** Set to true before the page has loaded: no player is made for `<video data-dashjs-player>`. */
  let skipAutoCreate: boolean | undefined;
  function supportsMediaSource(): boolean;
  const MediaPlayer: MediaPlayerFactoryFunction;
  const MediaPlayerFactory: {
    /** The player of a video that names its source; null where it names none. */
    create(video: HTMLVideoElement): MediaPlayerClass | null;
    createAll(selector?: string, scope?: ParentNode): (MediaPlayerClass | null)[];
  };
  const Debug: { readonly [level: string]: number };

  interface MediaPlayerFactoryFunction {
    (): { create(): MediaPlayerClass };
    create(): MediaPlayerClass;
    /** `NAME_OF_EVENT` to the word for it. */
    readonly events: { readonly [name: string]: string };
    readonly errors: object;
  }

  /** `event` has what dash.js gives with the event, as far as Nearlive knows it. */
  type Listener = (event: any) => void;

  /** A player. Most calls throw before it has a view and a source. */
  interface MediaPlayerClass {
    initialize(view?: HTMLMediaElement | null, source?: string | null, autoplay?: boolean, start?: number | string): void;
    attachView(view: HTMLMediaElement | null): void;
    attachSource(source: string | null, start?: number | string): void;
    isReady(): boolean;
    preload(): void;
    /** Ends what plays and forgets view, source and settings. */
    reset(): void;
    destroy(): void;

    on(type: string, listener: Listener, scope?: object, options?: { once?: boolean }): void;
    once(type: string, listener: Listener, scope?: object): void;
    /** Without a listener: all of this event. */
    off(type: string, listener?: Listener): void;
    trigger(type: string, data?: object): void;

    play(): void;
    pause(): void;
    isPaused(): boolean;
    isSeeking(): boolean;
    isDynamic(): boolean;
    /** Live, counted from the oldest that can be played. */
    seek(value: number): void;
    seekToOriginalLive(): void;
    /** The element's. */
    time(): number;
    timeInDvrWindow(): number;
    /** Of the picture shown, in s since 1970; NaN on demand. */
    timeAsUTC(): number;
    /** Live, of what can be played. */
    duration(): number;
    getDvrWindow(): DvrWindow;
    setAutoPlay(on: boolean): void;
    getAutoPlay(): boolean;
    setMute(muted: boolean): void;
    isMuted(): boolean;
    setVolume(volume: number): void;
    getVolume(): number;
    setPlaybackRate(rate: number): void;
    getPlaybackRate(): number;
    getVideoElement(): HTMLMediaElement;
    getSource(): string | null;
    getVersion(): string;

    /** What is not known is NaN. */
    getBufferLength(type?: string): number;
    getCurrentLiveLatency(): number;
    getTargetLiveDelay(): number;
    /** In kbit/s. */
    getAverageThroughput(type?: string): number;

    /** Lowest first. Of anything but "video": none. */
    getRepresentationsByType(type: string): Representation[];
    getCurrentRepresentationForType(type: string): Representation | null;
    setRepresentationForTypeById(type: string, id: string): void;
    setRepresentationForTypeByIndex(type: string, index: number): void;
    /** As in dash.js 4. */
    getBitrateInfoListFor(type: string): BitrateInfo[];
    getQualityFor(type: string): number;
    setQualityFor(type: string, index: number): void;
    getTracksFor(type: string): Track[];

    updateSettings(changes: Settings): void;
    getSettings(): Settings;
    resetSettings(): void;
    addRequestInterceptor(change: Interceptor): void;
    removeRequestInterceptor(change: Interceptor): void;
  }

  interface DvrWindow {
    start: number;
    end: number;
    startAsUtc: number;
    endAsUtc: number;
    size: number;
  }

  interface Representation {
    id: string;
    index: number;
    absoluteIndex: number;
    /** In bits a second. */
    bandwidth: number;
    bitrateInKbit: number;
    width: number | null;
    height: number | null;
    codecs: string;
    mediaInfo: { type: string };
  }

  interface BitrateInfo {
    mediaType: string;
    bitrate: number;
    width: number | null;
    height: number | null;
    qualityIndex: number;
  }

  interface Track {
    type: string;
    index: number;
    lang: null;
    bitrateList: BitrateInfo[];
  }

  interface InterceptedRequest {
    url: string;
    method: string;
    headers: { [name: string]: string };
    credentials?: "omit" | "same-origin" | "include";
    customData: object;
  }

  type Interceptor = (request: InterceptedRequest) => InterceptedRequest | Promise<InterceptedRequest>;

  /** What is obeyed; other settings are kept and have no effect. */
  interface Settings {
    debug?: { logLevel?: number; [setting: string]: any };
    streaming?: {
      delay?: {
        /** NaN: the player finds it, or the manifest says it. */
        liveDelay?: number;
        /** The same in lengths of a segment, where `liveDelay` is none. */
        liveDelayFragmentCount?: number | null;
        [setting: string]: any;
      };
      liveCatchup?: {
        /** False: the rate stays 1, and only jumps bring it nearer to the live edge. */
        enabled?: boolean | null;
        /** Farther behind than this it jumps; 0: never. */
        maxDrift?: number;
        /** How much slower (-0.05 at most) and faster (0.1 at most) than 1 it may play to keep its distance. */
        playbackRate?: { min?: number; max?: number };
        [setting: string]: any;
      };
      abr?: {
        autoSwitchBitrate?: { video?: boolean; audio?: boolean };
        /** In kbit/s; -1: not set. */
        initialBitrate?: { video?: number; audio?: number };
        maxBitrate?: { video?: number; audio?: number };
        limitBitrateByPortal?: boolean;
        [setting: string]: any;
      };
      buffer?: { bufferTimeDefault?: number; bufferTimeAtTopQuality?: number; bufferToKeep?: number; [setting: string]: any };
      /** In ms. */
      fragmentRequestTimeout?: number;
      [setting: string]: any;
    };
    [setting: string]: any;
  }
}

interface Window {
  dashjs: typeof dashjs;
}
