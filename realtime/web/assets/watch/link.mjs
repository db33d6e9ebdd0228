// What to do about a link that becomes slower. Little is buffered at the live
// position, so that it is decided while a part comes in, not after it. Pure
// functions, tested without a browser; times are in seconds, rates in bits a second.

/** Fewer bytes, or so little time, say nothing of the rate. */
const LEAST_BYTES = 8000;
const LEAST_S = 0.05;
/** Loads are remembered for so many seconds, and so many of them. */
const MEMORY_S = 20;
const MEMORY = 24;
/** The last loads alone decide if they were slower: two of the picture and two of the sound. */
const LATEST = 4;
/** This much is to be left when what is under way arrives. */
const MARGIN_S = 0.3;
/** A rendition fits a link that is so many times as fast. */
const ROOM = 1.4;
/** With less than this ready nothing but the lowest rendition is tried. */
const SHORT_S = 1;
/** The playlist of another rendition, in bits. */
const PLAYLIST_BITS = 32000;

/** rateOf is the rate of what is coming in, null if that cannot be told yet. */
function rateOf(bytes, seconds) {
  return bytes >= LEAST_BYTES && seconds >= LEAST_S ? bytes * 8 / seconds : null;
}

/**
 * meter measures a link by what was loaded over it: all that came, by the time in
 * which something was on its way. Parts are so small that they may come at once
 * after a while, so that the time since the first byte says nothing.
 */
export function meter() {
  let loads = [];
  const rate = (some, trip) => {
    let busy = 0;
    let until = -Infinity;
    for (const { start, end } of some) {
      const from = Math.max(Math.min(start + trip, end - 0.001), until);
      busy += Math.max(0, end - from);
      until = Math.max(until, end);
    }
    return some.reduce((sum, l) => sum + l.bytes, 0) * 8 / Math.max(busy, 0.001);
  };
  return {
    /** add takes one load: when it was asked for, when it began to come, and when it was there. */
    add(load) {
      loads = [...loads, load].filter((l) => load.end - l.end < MEMORY_S).slice(-MEMORY);
    },
    /** estimate is what the link carries, null while nothing is known. */
    estimate() {
      if (loads.length === 0) {
        return null;
      }
      const trip = Math.min(...loads.map((l) => l.first - l.start));
      const some = [...loads].sort((a, b) => a.start - b.start);
      return Math.min(rate(some, trip), rate(some.slice(-LATEST), trip));
    },
  };
}

/**
 * leaving decides whether to give up what is being loaded for a lower rendition.
 *
 * @param ready    what is there to be played
 * @param unit     { bits, loaded, elapsed, waiting }: what is being loaded: its size, how much
 *                 of it is there, for how long it has been coming in, and for how long it was waited for
 * @param behind   how much media lies between the start of its segment and its end: what another
 *                 rendition has to load again, as only a segment can be begun with
 * @param ahead    how much media of the segment is listed after it
 * @param bitrate  of the rendition being loaded
 * @param lower    bitrates of those below it, lowest first
 * @param estimate of the link, and its round trip
 * @returns { index, rate }: which of lower, and what the link carries; null to go on
 */
export function leaving({ ready, unit, behind, ahead, bitrate, lower, estimate, trip }) {
  if (lower.length === 0) {
    return null;
  }
  // Nothing yet is a measurement too.
  const rate = Math.min(estimate, rateOf(unit.loaded, unit.elapsed) ?? unit.bits / Math.max(unit.waiting, 0.01));
  const left = Math.max(0, unit.bits - unit.loaded * 8) / rate;
  if (left < ready - MARGIN_S) {
    return null;
  }
  let index = 0;
  if (ready >= SHORT_S) {
    index = Math.max(0, lower.findLastIndex((b) => b * ROOM < rate));
  }
  const stay = left + ahead * bitrate / rate;
  const go = 2 * trip + PLAYLIST_BITS / rate + (behind + ahead) * lower[index] / rate;
  return go < stay ? { index, rate } : null;
}

/** Below so much ready the picture goes slower, which nobody hears at once but a standstill everybody sees. */
const SLOW = [[0.25, 0.85], [0.45, 0.9], [0.65, 0.95]];
/** How far from its target the latency may be. */
const NEAR_S = 0.05;
const FAR_S = 0.25;
/** Nothing is made up for with less than this ready. */
const COMFORT_S = 0.8;
const FASTER = 1.05;
const SLOWER = 0.95;

/**
 * paceFor is the speed to play at.
 *
 * @param ready    what is there to be played
 * @param late     how much later than its target the picture is, negative if earlier
 * @param range    beyond it the viewer is somewhere else on purpose
 * @param now      the speed until now
 */
export function paceFor({ ready, late, range, now }) {
  if (late > range) {
    return 1;
  }
  const [, slow] = SLOW.find(([below]) => ready < below) ?? [];
  if (slow !== undefined) {
    return slow;
  }
  if (late < -(now < 1 ? NEAR_S : FAR_S)) {
    return SLOWER;
  }
  return ready > COMFORT_S && late > (now > 1 ? NEAR_S / 2 : FAR_S / 2) ? FASTER : 1;
}

/** With less than this ready it was close. */
const CLOSE_S = 0.3;
/** One part more is kept ready after that, up to so many… */
const MOST_PARTS = 3;
/** …and one less after so long without. */
const GOOD_MS = 45000;
/** So soon after one alarm the next is the same. */
const SAME_MS = 3000;
/** So long after an alarm no better rendition is tried. */
const HOLD_MS = 8000;

/** reserve keeps count of the parts that a viewer stays further behind than the server asks. */
export function reserve() {
  let parts = 0;
  let alarmAt = -Infinity;
  let changedAt = -Infinity;
  return {
    get parts() { return parts; },
    /** alarm is for a link that has become slower. */
    alarm(now) {
      if (now - alarmAt > SAME_MS) {
        parts = Math.min(parts + 1, MOST_PARTS);
        changedAt = now;
      }
      alarmAt = now;
    },
    /** observe learns how much is ready. */
    observe(ready, now) {
      if (ready < CLOSE_S) {
        this.alarm(now);
      } else if (parts > 0 && now - Math.max(alarmAt, changedAt) > GOOD_MS) {
        parts -= 1;
        changedAt = now;
      }
    },
    /** caution is the share of the usual readiness to try a better rendition. */
    caution: (now) => (now - alarmAt < HOLD_MS ? 0.01 : 1 / (1 + parts)),
    clear() {
      parts = 0;
    },
  };
}
