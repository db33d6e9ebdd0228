// hls.js: one instance, configured for a live class. Errors are reported, not
// handled: player.mjs decides.

import { keepLevels } from './engine-levels.mjs';

let loading = null;

/** loadHls fetches the module; a failed import is tried again under another URL. */
export function loadHls(url) {
  loading ??= (async () => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return (await import(attempt === 0 ? url : `${url}?retry=${attempt}`)).default;
      } catch {
        await new Promise((resolve) => { setTimeout(resolve, Math.min(1000 * 2 ** attempt, 15000)); });
      }
    }
  })();
  return loading;
}

/** A viewer further behind than this, in seconds, is taken back to live. */
const MAX_LATENCY = 20;

/**
 * hlsEngine starts to load url into video.
 *
 * @param report (kind, fatal) for 'network', 'media' and 'other' failures
 * @param start  { wish, frugal, bandwidth }: see keepLevels; bandwidth is what to
 *               expect in bits a second. Null plays url, a media playlist, as it is.
 */
export function hlsEngine(Hls, video, url, { onReady, report }, offers, start) {
  const hls = new Hls({
    // fMP4 passes through unchanged, so a worker would save nothing, and without
    // one the page's content policy can be stricter.
    enableWorker: false,
    lowLatencyMode: true,
    // 1.05 is below what people hear as a change of pitch.
    maxLiveSyncPlaybackRate: 1.05,
    backBufferLength: 60,
    maxBufferLength: 30,
    liveDurationInfinity: true,
    capLevelToPlayerSize: !start?.frugal,
    enableInterstitialPlayback: false,
    // Little is buffered at the live position: a wrong guess is a stall. Hence a
    // low start and more reserve than the defaults (0.95 and 0.7) leave.
    ...(start && { abrEwmaDefaultEstimate: start.bandwidth }),
    abrBandWidthFactor: 0.85,
    abrBandWidthUpFactor: 0.65,
    // A class that has not got its first segment answers 404: ask again soon.
    manifestLoadPolicy: { default: { maxTimeToFirstByteMs: 10000, maxLoadTimeMs: 20000, timeoutRetry: null, errorRetry: null } },
  });
  // Given to the constructor it would demand a liveSyncDuration too, and that would
  // override the server's PART-HOLD-BACK.
  hls.config.liveMaxLatencyDuration = MAX_LATENCY;

  const kinds = { [Hls.ErrorTypes.NETWORK_ERROR]: 'network', [Hls.ErrorTypes.MEDIA_ERROR]: 'media' };
  const levels = start && keepLevels(hls, Hls, offers, start);
  let measured = false;
  hls.on(Hls.Events.FRAG_BUFFERED, () => { measured = true; });
  hls.on(Hls.Events.MANIFEST_PARSED, onReady);
  hls.on(Hls.Events.ERROR, (_, data) => {
    if (data.fatal) {
      report(kinds[data.type] ?? 'other');
    }
  });
  hls.attachMedia(video);
  hls.loadSource(url);

  const details = () => hls.latestLevelDetails ?? null;

  /** serverTarget is how far from the edge the server asks players to stay. */
  function serverTarget() {
    const d = details();
    return d ? d.partHoldBack || d.holdBack || 3 * d.targetduration : null;
  }

  return {
    hls,
    /** levels is what can be chosen, see keepLevels; null for sound alone. */
    levels,
    /** bandwidth is what was measured, in bits a second, or null. */
    bandwidth: () => (measured ? hls.bandwidthEstimate : null),
    /** lag is how many seconds later than the live position the picture is. */
    lag() {
      const d = details();
      return d?.live && hls.targetLatency !== null && hls.latency ? hls.latency - hls.targetLatency : null;
    },
    playingDate: () => hls.playingDate?.getTime() ?? null,
    /** finished says that the playlist has its end tag. */
    finished: () => details()?.live === false,
    reload() {
      if (hls.levels.length === 0) {
        hls.loadSource(url);
      } else {
        hls.startLoad(-1);
      }
    },
    resetDecoder: () => hls.recoverMediaError(),
    live() {
      // Each stall made hls.js keep one second more distance; a wish for live undoes that.
      const target = serverTarget();
      if (target !== null) {
        hls.targetLatency = target;
      }
      const position = hls.liveSyncPosition;
      if (position === null || !Number.isFinite(position)) {
        this.reload();
        return;
      }
      // Never back: that part was seen already.
      const to = Math.max(position, video.currentTime);
      hls.startLoad(to);
      if (to > video.currentTime) {
        video.currentTime = to;
      }
    },
    destroy: () => hls.destroy(),
  };
}
