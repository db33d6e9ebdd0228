// hls.js: one instance, configured for a live class, for its past, or for its
// recording. Errors are reported, not handled: player.mjs decides.

import { keepLevels } from './engine-levels.mjs';
import { keepUp } from './engine-link.mjs';
import { dateOf, positionOf } from './program-date.mjs';

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
/** The first position one can seek to: hls.js (1.7.4) takes 0 for not known. */
export const FIRST_S = 0.05;

/** settings are those of hls.js. */
function settings(Hls, pass, live, start) {
  return {
    // fMP4 passes through unchanged, so a worker would save nothing, and without
    // one the page's content policy can be stricter.
    enableWorker: false,
    lowLatencyMode: live,
    // engine-link.mjs sets the speed: hls.js only knows how to go faster.
    maxLiveSyncPlaybackRate: 1,
    liveSyncOnStallIncrease: 0, // and the distance
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
    ...(pass.needed && {
      loader: withPass(Hls.DefaultConfig.loader, pass),
      xhrSetup: (xhr, url) => xhr.open('GET', pass.wire(url), true),
    }),
  };
}

/** withPass is a loader whose answers come, as far as hls.js knows, from where it asked. */
function withPass(Loader, pass) {
  return class extends Loader {
    load(context, config, callbacks) {
      const { onSuccess } = callbacks;
      super.load(context, config, {
        ...callbacks,
        onSuccess: (response, ...rest) => onSuccess({ ...response, url: pass.plain(response.url) }, ...rest),
      });
    }
  };
}

/**
 * hlsEngine starts to load url into video.
 *
 * @param on     { onReady(), report(kind, status) }: kind is 'network', 'media' or 'other',
 *               status that of the answer, if there was one
 * @param pass   see pass.mjs
 * @param start  { wish, frugal, bandwidth }: see keepLevels; bandwidth is what to
 *               expect in bits a second. Null plays url, a media playlist, as it is.
 * @param place  { kind: 'live' }, { kind: 'past', date } or { kind: 'recording', at }
 */
export function hlsEngine(Hls, video, url, { onReady, report }, offers, pass, start, place) {
  const live = place.kind === 'live';
  const hls = new Hls({ ...settings(Hls, pass, live, start), ...(place.kind === 'recording' && { startPosition: place.at }) });
  // Given to the constructor it would demand a liveSyncDuration too, and that would
  // override the server's PART-HOLD-BACK.
  hls.config.liveMaxLatencyDuration = live ? MAX_LATENCY : Infinity;

  const kinds = { [Hls.ErrorTypes.NETWORK_ERROR]: 'network', [Hls.ErrorTypes.MEDIA_ERROR]: 'media' };
  const levels = start && keepLevels(hls, Hls, offers, start);
  let measured = false;
  let begun = false; // until then, and again when the decoder was reset, the position is 0
  hls.on(Hls.Events.MEDIA_ATTACHING, () => {
    begun = false;
    video.addEventListener('loadeddata', () => { begun = true; }, { once: true });
  });
  let allowed = null; // the latency that is allowed when the viewer goes on
  hls.on(Hls.Events.FRAG_BUFFERED, () => { measured = true; });
  hls.on(Hls.Events.MANIFEST_PARSED, onReady);
  hls.on(Hls.Events.ERROR, (_, data) => {
    if (data.fatal) {
      report(kinds[data.type] ?? 'other', data.response?.code);
    }
  });
  hls.on(Hls.Events.LEVEL_LOADED, (_, { details: read }) => {
    // An update that came too late to be joined to what it updates: it is asked for
    // again, but until then hls.js (1.7.4) stumbles over what it left out.
    if (read.deltaUpdateFailed) {
      read.fragments = read.fragments.filter(Boolean);
    }
  });
  if (place.kind === 'past') {
    // Without the video hls.js loads playlists only: where to begin is not known before.
    hls.once(Hls.Events.LEVEL_LOADED, (_, { details: found }) => {
      const at = positionOf(found.fragments, place.date);
      hls.startLoad(at === null ? -1 : Math.max(at, FIRST_S));
      hls.attachMedia(video);
    });
  } else {
    hls.attachMedia(video);
  }
  hls.loadSource(url);

  const details = () => hls.latestLevelDetails ?? null;

  /** serverTarget is how far from the edge the server asks players to stay. */
  function serverTarget() {
    const d = details();
    return d ? (live && d.partHoldBack) || d.holdBack || 3 * d.targetduration : null;
  }

  const link = keepUp(hls, Hls, video, serverTarget, levels ? levels.usable : () => false);

  return {
    hls,
    /** levels is what can be chosen, see keepLevels; null for sound alone. */
    levels,
    /** bandwidth is what was measured, in bits a second, or null. */
    bandwidth: () => (measured ? hls.bandwidthEstimate : null),
    /** lag is how many seconds later than the live position the picture is. */
    lag() {
      const d = details();
      // hls.latency is that of the last timeupdate, which may be before a seek.
      return begun && d?.live && hls.targetLatency !== null ? d.edge + d.age - video.currentTime - hls.targetLatency : null;
    },
    /** playingDate is the date of the picture; hls.playingDate is wrong at position 0. */
    playingDate: () => (begun ? dateOf(details()?.fragments ?? [], video.currentTime) : null),
    /** span is { from, to } of the playlist, the dates of its ends; null if unknown. */
    span() {
      const d = details();
      const from = d && dateOf(d.fragments, d.fragmentStart);
      return from ? { from, to: dateOf(d.fragments, d.edge) } : null;
    },
    /** dateAt is the date of a position in the playlist. */
    dateAt: (position) => dateOf(details()?.fragments ?? [], position),
    /** placeOf is where a date is in the playlist, in ms; null if it is past the end. */
    placeOf(date) {
      const position = positionOf(details()?.fragments ?? [], date);
      return position === null ? null : position * 1000;
    },
    /** seek goes to a date; false says that the playlist does not have it. */
    seek(date) {
      const d = details();
      // Until the first picture is there hls.js is about to seek itself.
      if (!begun || !d || date < dateOf(d.fragments, d.fragmentStart)) {
        return false;
      }
      const position = positionOf(d.fragments, date);
      if (position === null) {
        return false;
      }
      video.currentTime = Math.max(position, FIRST_S);
      return true;
    },
    /** linger lets a viewer stay behind who has stopped on purpose. */
    linger(on) {
      if (on) {
        allowed = hls.config.liveMaxLatencyDuration;
        hls.config.liveMaxLatencyDuration = Infinity;
      } else if (allowed !== null) {
        hls.config.liveMaxLatencyDuration = allowed;
        allowed = null;
      }
    },
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
      // A bad link made it keep more distance; a wish for live undoes that.
      link.forget();
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
    /** skip leaves out what cannot be played: a segment of it; false says that nothing was played yet. */
    skip() {
      if (!begun) {
        return false;
      }
      const to = video.currentTime + (details()?.targetduration ?? 2);
      hls.startLoad(to);
      video.currentTime = to;
      return true;
    },
    destroy() {
      link.stop();
      hls.destroy();
    },
  };
}
