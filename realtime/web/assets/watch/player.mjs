// Owns the video element and the engine behind it. Started once, it plays until the
// class has ended, whatever happens in between.

import { expected, frugal } from './bandwidth.mjs';
import { hlsEngine, loadHls } from './engine-hls.mjs';
import { canPlayNatively, nativeEngine } from './engine-native.mjs';
import { followOffers } from './offers.mjs';
import { inForce } from './quality-choice.mjs';
import { backOff, remedy } from './recovery.mjs';

/** The picture counts as moving if it moved within this time. */
const MOVING_MS = 1500;
/** Nothing arriving for this long although the class is live calls for a remedy… */
const STUCK_MS = 8000;
/** …and each remedy gets more time than the last, up to so many times that long. */
const MOST_PATIENCE = 4;
/** Moving this long forgets earlier failures. */
const HEALTHY_MS = 5000;
/** Standing still this long is worth a new player if there are renditions it does not know… */
const MISSING_MS = 2000;
/** …but not twice within this time. */
const REBUILD_MS = 60000;

/**
 * createPlayer owns video.
 *
 * @param sound  see sound.mjs
 * @param wish   what the viewer wants to see, see quality-choice.mjs
 */
export function createPlayer(video, hlsModule, sound, wish) {
  let url = null;
  let engine = null;
  let soundOnly = false;
  let bandwidth = null;
  let builtAt = -Infinity;
  const offers = followOffers();
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
    bandwidth = engine?.bandwidth() ?? bandwidth;
    engine?.destroy();
    engine = null;
    builtAt = performance.now();
    offers.start(url);
    const [Hls, offer] = await Promise.all([loadHls(hlsModule), wish === 'sound' ? offers.refresh() : null]);
    if (mine !== generation) {
      return;
    }
    soundOnly = Boolean(offer?.sound);
    const source = soundOnly ? offer.sound : url;
    const on = { onReady: () => sound.play(), report: (kind) => mine === generation && failed(kind) };
    if (Hls.isSupported()) {
      const start = { wish: size(), frugal: frugal(navigator.connection), bandwidth: expected(bandwidth, navigator.connection) };
      engine = hlsEngine(Hls, video, source, on, offers, soundOnly ? null : start);
    } else if (canPlayNatively(video)) {
      engine = nativeEngine(video, source, on);
      if (!soundOnly) {
        offers.refresh();
      }
    }
  }

  const size = () => (typeof wish === 'number' ? wish : null);

  // Sound alone was wanted before it was known that there is such a thing.
  offers.onChange(({ sound: playlist }) => {
    if (wish === 'sound' && !soundOnly && engine && playlist) {
      Promise.resolve().then(build); // not while the player tells of it
    }
  });

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
      offers.stop();
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
    /** choose plays what the viewer wants from now on. */
    choose(newWish) {
      wish = newWish;
      const change = (wish === 'sound') !== soundOnly;
      if (url !== null && (change || engine?.levels?.choose(size()) === false)) {
        build();
      }
    },
    /** quality is what there is to choose and what of it is in force. */
    quality() {
      const sizes = engine?.levels?.sizes() ?? (soundOnly && engine?.hls ? offers.current()?.rungs.map((r) => r.size) : null) ?? [];
      const have = { sizes, sound: Boolean(offers.current()?.sound) };
      return { ...have, playing: engine?.levels?.playing() ?? null, choice: soundOnly ? 'sound' : inForce(wish === 'sound' ? 'auto' : wish, have) };
    },
    /** refresh asks at once what is on offer. */
    async refresh() {
      await offers.refresh();
    },
    jumpToLive() {
      engine?.live();
      sound.play();
    },
    /** supervise looks for a player that says nothing and shows nothing. */
    supervise(classState) {
      interrupted = classState === 'interrupted';
      watchTime();
      engine?.levels?.supervise();
      if (engine && video.paused && !video.ended && video.readyState > 0) {
        sound.play();
      }
      const now = performance.now();
      const still = now - stillSince;
      if (engine?.levels?.lacks() && started && !video.paused && now - movedAt > MISSING_MS && now - builtAt > REBUILD_MS) {
        build(); // there is something lighter by now
        return;
      }
      if (video.paused || video.ended || retry !== 0 || !engine || classState !== 'live') {
        stillSince = Math.max(stillSince, now - STUCK_MS / 2);
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
