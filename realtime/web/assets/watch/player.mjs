// Owns the video element and the engine behind it. Started once, it plays until the
// class has ended, whatever happens in between.

import { hlsEngine, loadHls } from './engine-hls.mjs';
import { canPlayNatively, nativeEngine } from './engine-native.mjs';
import { backOff, remedy } from './recovery.mjs';

/** The picture counts as moving if it moved within this time. */
const MOVING_MS = 1500;
/** Nothing arriving for this long although the class is live calls for a remedy… */
const STUCK_MS = 8000;
/** …and each remedy gets more time than the last, up to so many times that long. */
const MOST_PATIENCE = 4;
/** Moving this long forgets earlier failures. */
const HEALTHY_MS = 5000;

export function createPlayer(video, hlsModule, sound) {
  let url = null;
  let engine = null;
  let generation = 0;
  let attempt = 0;
  let retry = 0;
  let started = false;
  let interrupted = false;

  let lastTime = 0;
  let movedAt = -Infinity;
  let stillSince = performance.now();
  let lastAhead = 0;
  let movingSince = Infinity;

  async function build() {
    const mine = ++generation;
    clearTimeout(retry);
    retry = 0;
    engine?.destroy();
    engine = null;
    const Hls = await loadHls(hlsModule);
    if (mine !== generation) {
      return;
    }
    const on = { onReady: () => sound.play(), report: (kind) => mine === generation && failed(kind) };
    if (Hls.isSupported()) {
      engine = hlsEngine(Hls, video, url, on);
    } else if (canPlayNatively(video)) {
      engine = nativeEngine(video, url, on);
    }
  }

  /** failed plans one remedy; further failures until then are the same failure. */
  function failed(kind) {
    if (retry === 0) {
      retry = setTimeout(() => apply(kind), kind === 'media' ? 0 : backOff(attempt));
    }
  }

  function apply(kind) {
    clearTimeout(retry);
    retry = 0;
    // During an interruption nothing is broken: there is just nothing to be had yet.
    const step = kind === 'network' && interrupted ? 'reload' : remedy(kind, attempt);
    attempt += 1;
    stillSince = performance.now();
    switch (step) {
      case 'reload':
        engine?.reload();
        break;
      case 'media':
        engine?.resetDecoder();
        sound.play();
        break;
      case 'live':
        engine?.live();
        sound.play();
        break;
      default:
        build();
    }
  }

  function watchTime() {
    const now = performance.now();
    if (video.currentTime !== lastTime) {
      lastTime = video.currentTime;
      if (!video.paused && !video.seeking) {
        movedAt = now;
        started = true;
      }
    }
    if (now - movedAt < MOVING_MS) {
      movingSince = Math.min(movingSince, now);
      stillSince = now;
      if (now - movingSince > HEALTHY_MS) {
        attempt = 0;
      }
    } else {
      movingSince = Infinity;
    }
    // A slow line or a slow machine is not stuck while something still comes in.
    const ready = ahead();
    if (ready > lastAhead) {
      stillSince = now;
    }
    lastAhead = ready;
  }
  video.addEventListener('timeupdate', watchTime);

  /** ahead is how many seconds are ready to be played. */
  function ahead() {
    const { buffered, currentTime } = video;
    for (let i = 0; i < buffered.length; i += 1) {
      if (buffered.start(i) <= currentTime + 0.1 && currentTime < buffered.end(i)) {
        return buffered.end(i) - currentTime;
      }
    }
    return 0;
  }

  return {
    /** start plays newURL; calling it again with the same URL does nothing. */
    start(newURL) {
      if (url !== newURL) {
        url = newURL;
        attempt = 0;
        build();
      }
    },
    stop() {
      generation += 1;
      clearTimeout(retry);
      retry = 0;
      engine?.destroy();
      engine = null;
      url = null;
      started = false;
    },
    /** kick tries again at once, because the class is said to be back. */
    kick() {
      if (retry !== 0) {
        attempt = 0;
        apply('network');
      }
    },
    jumpToLive() {
      engine?.live();
      sound.play();
    },
    /** supervise looks for a player that says nothing and shows nothing. */
    supervise(classState) {
      interrupted = classState === 'interrupted';
      watchTime();
      if (engine && video.paused && !video.ended && video.readyState > 0) {
        sound.play();
      }
      const still = performance.now() - stillSince;
      if (video.paused || video.ended || retry !== 0 || !engine || classState !== 'live') {
        stillSince = Math.max(stillSince, performance.now() - STUCK_MS / 2);
      } else if (still > STUCK_MS * Math.min(attempt + 1, MOST_PATIENCE)) {
        apply('stuck');
      }
    },
    /** sample is how it is going. Times are in seconds. */
    sample() {
      const finished = Boolean(engine?.finished());
      return {
        started,
        advancing: started && performance.now() - movedAt < MOVING_MS,
        // A source that is being replaced pauses too, but nobody asked for that.
        paused: video.paused && (!sound.wanted || sound.blocked),
        blocked: sound.blocked,
        ended: started && finished && video.ended,
        ahead: ahead(),
        lag: engine?.lag() ?? null,
      };
    },
    playingDate: () => engine?.playingDate() ?? null,
    get hls() { return engine?.hls ?? null; },
  };
}
