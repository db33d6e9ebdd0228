// Owns the video element and the one engine behind it. Started once, it plays until
// the class has ended, whatever happens in between; asked for, it plays the past, and
// after the end the recording.

import { expected, frugal } from './bandwidth.mjs';
import { FIRST_S, hlsEngine, loadHls } from './engine-hls.mjs';
import { canPlayNatively, nativeEngine } from './engine-native.mjs';
import { followOffers } from './offers.mjs';
import { followPast } from './past.mjs';
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
/** Up to so long before the live position one seeks in the live playlist, beyond it in that of the past. */
const NEAR_MS = 15000;
/** So close to the live position is live. */
const LIVE_MS = 2000;

/** The end is so long before the end, so that there is something to see. */
const LAST_MS = 500;

const LIVE = Object.freeze({ kind: 'live' });

/**
 * createPlayer owns video.
 *
 * @param sound   see sound.mjs
 * @param wish    what the viewer wants to see, see quality-choice.mjs
 * @param pass    see pass.mjs
 * @param refused is called when the server refuses media
 */
export function createPlayer(video, hlsModule, sound, wish, pass, refused) {
  let urls = null; // { hls, dvr } of the class
  let place = LIVE; // what of it is played, see hlsEngine
  let engine = null;
  let soundOnly = false;
  let bandwidth = null;
  let builtAt = -Infinity;
  const offers = followOffers(pass);
  const past = followPast(pass);
  let generation = 0;
  let attempt = 0;
  let retry = 0;
  let started = false;
  let interrupted = false;
  let lastLive = null; // { date, at }: where the live position was, and when
  let pausedOn = null; // the date on screen when the viewer stopped

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
    const url = place.kind === 'past' ? urls.dvr : urls.hls;
    offers.start(url);
    const [Hls, offer] = await Promise.all([loadHls(hlsModule), wish === 'sound' ? offers.refresh() : null]);
    if (mine !== generation) {
      return;
    }
    soundOnly = Boolean(offer?.sound);
    const source = soundOnly ? offer.sound : url;
    const on = { onReady: () => sound.play(), report: (kind, status) => mine === generation && failed(kind, status) };
    if (Hls.isSupported()) {
      const start = { wish: size(), frugal: frugal(navigator.connection), bandwidth: expected(bandwidth, navigator.connection) };
      engine = hlsEngine(Hls, video, source, on, offers, pass, soundOnly ? null : start, place);
    } else if (canPlayNatively(video)) {
      engine = nativeEngine(video, source, on, pass, place);
      if (!soundOnly) {
        offers.refresh();
      }
    }
  }

  /** mark keeps where the picture is. */
  function mark() {
    if (place.kind === 'past') {
      place = { kind: 'past', date: engine?.playingDate() ?? place.date };
    } else if (place.kind === 'recording') {
      place = { kind: 'recording', at: video.currentTime || place.at };
    }
  }

  /** rebuild makes a new engine that goes on where the old one was. */
  function rebuild() {
    mark();
    return build();
  }

  /** go plays something else of the class. */
  function go(newPlace) {
    place = newPlace;
    attempt = 0;
    pausedOn = null;
    stillSince = performance.now();
    build();
  }

  const size = () => (typeof wish === 'number' ? wish : null);

  // Sound alone was wanted before it was known that there is such a thing.
  offers.onChange(({ sound: playlist }) => {
    if (wish === 'sound' && !soundOnly && engine && playlist) {
      Promise.resolve().then(rebuild); // not while the player tells of it
    }
  });

  /** failed plans one remedy; further failures until then are the same failure. */
  function failed(kind, status) {
    if (status === 401 || status === 403) {
      refused();
    }
    if (status === 404 && place.kind === 'past' && engine?.span() === null) {
      go(LIVE); // there is no past
      return;
    }
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
        mark();
        engine?.resetDecoder();
        sound.play();
        break;
      case 'live':
        if (place.kind === 'live') {
          engine?.live();
        } else if (!engine?.skip()) {
          rebuild();
        }
        sound.play();
        break;
      default:
        rebuild();
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

  // Who stops to answer the door goes on where they stopped, if that is still to be had.
  video.addEventListener('pause', () => {
    if (place.kind === 'live' && urls?.dvr && engine && !sound.wanted) {
      pausedOn = engine.playingDate();
      engine.linger(true);
    }
  });
  video.addEventListener('play', () => {
    const date = pausedOn;
    pausedOn = null;
    engine?.linger(false);
    const live = liveDate();
    if (date !== null && place.kind === 'live' && live !== null && live - date > NEAR_MS) {
      go({ kind: 'past', date });
    }
  });

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

  /** liveDate is the date that somebody at the live position sees, null if there is none. */
  function liveDate() {
    const lag = engine?.lag() ?? null;
    const date = engine?.playingDate() ?? null;
    return lag === null || date === null ? null : date + lag * 1000;
  }

  /** edge is the live date, by the clock where the player does not know it: in the past it would keep more distance. */
  function edge() {
    const date = place.kind === 'live' ? liveDate() : null;
    if (date !== null) {
      lastLive = { date, at: performance.now() };
    }
    return lastLive === null ? null : lastLive.date + performance.now() - lastLive.at;
  }

  /** stretch is what can be gone to; see timeline. */
  function stretch() {
    if (place.kind === 'recording') {
      const to = video.duration * 1000;
      return to > 0 && to < Infinity ? { kind: 'recording', from: 0, to, at: Math.min(video.currentTime * 1000, to) } : null;
    }
    const span = place.kind === 'past' ? engine?.span() ?? null : null;
    if (span !== null) {
      past.learn(span.from);
    }
    const at = engine?.playingDate() ?? (place.kind === 'past' ? place.date : null);
    const to = engine?.finished() ? span?.to ?? null : edge();
    return past.from === null || at === null || to === null ? null : { kind: 'past', from: past.from, to: Math.max(to, at), at };
  }

  return {
    /** start plays the class live; calling it again for the same class does nothing. */
    start({ hls, dvr }) {
      const again = urls?.hls === hls;
      urls = { hls, dvr };
      if (!again) {
        attempt = 0;
        place = LIVE;
        build();
      }
    },
    /** replay plays the recording; see recorded. */
    replay({ hls }) {
      urls = { hls, dvr: '' };
      started = false;
      go({ kind: 'recording', at: 0 });
    },
    /** recorded asks whether there is a recording. */
    async recorded({ hls }) {
      if (engine === null) {
        offers.start(hls);
        return (await offers.refresh()) !== null;
      }
      return (await fetch(pass.wire(hls), { cache: 'no-cache' })).ok;
    },
    stop() {
      generation += 1;
      clearTimeout(retry);
      retry = 0;
      engine?.destroy();
      engine = null;
      offers.stop();
      urls = null;
      place = LIVE;
      lastLive = null;
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
      if (urls !== null && (change || engine?.levels?.choose(size()) === false)) {
        rebuild();
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
      if (place.kind === 'past') {
        go(LIVE);
        return;
      }
      engine?.live();
      sound.play();
    },
    /**
     * timeline is { kind, from, to, at } in ms: of the 'past' as dates up to the live
     * position, of a 'recording' from its beginning. Null if there is nowhere to go.
     */
    timeline: stretch,
    /** dateAt is the date of a time of the timeline, null if unknown. */
    dateAt: (ms) => (place.kind === 'recording' ? engine?.dateAt?.(ms / 1000) ?? null : ms),
    /** placeOf is the time of the timeline at a date, null if it is past the end or unknown. */
    placeOf: (date) => (place.kind === 'recording' ? engine?.placeOf(date) ?? null : date),
    /** seekTo goes to a time of the timeline. */
    seekTo(ms) {
      const now = stretch();
      if (now === null) {
        return;
      }
      const aim = Math.max(Math.min(ms, now.to - LAST_MS), now.from);
      if (now.kind === 'recording') {
        video.currentTime = Math.max(aim / 1000, FIRST_S);
        return;
      }
      const live = liveDate();
      if (live !== null && ms > live - LIVE_MS) {
        this.jumpToLive();
      } else if (place.kind === 'past' || live - aim < NEAR_MS) {
        if (!engine?.seek(aim)) {
          go({ kind: 'past', date: aim });
        }
      } else {
        go({ kind: 'past', date: aim });
      }
    },
    /** supervise looks for a player that says nothing and shows nothing. */
    supervise(classState) {
      interrupted = classState === 'interrupted';
      watchTime();
      engine?.levels?.supervise();
      if (started) {
        past.follow(urls.dvr);
      }
      if (engine && video.paused && !video.ended && video.readyState > 0) {
        sound.play();
      }
      const now = performance.now();
      const still = now - stillSince;
      if (engine?.levels?.lacks() && started && !video.paused && now - movedAt > MISSING_MS && now - builtAt > REBUILD_MS) {
        rebuild(); // there is something lighter by now
        return;
      }
      if (video.paused || video.ended || retry !== 0 || !engine || (classState !== 'live' && place.kind !== 'recording')) {
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
        finished,
        replay: urls !== null && place.kind !== 'live',
        past: urls !== null && place.kind === 'past',
      };
    },
    playingDate: () => engine?.playingDate() ?? null,
    get hls() { return engine?.hls ?? null; },
  };
}
