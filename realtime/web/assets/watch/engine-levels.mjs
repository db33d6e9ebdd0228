// Which of hls.js's levels are played. hls.js adapts by bandwidth; this adds what
// it does not know: what the viewer chose, which renditions the server has taken
// out, and which are better left alone for a while because they have gaps, are
// gone, or are late. Such a level is shelved: it stays in hls.js, with an error to
// its name, so that it can come back without a new player.

import { offersOf, sizeOf } from './multivariant.mjs';

/** A level is shelved for this long in ms, and each time twice as long as before… */
const SHELF_MS = 30000;
/** …but not longer than this. */
const SHELF_MOST_MS = 300000;
/** After so many strikes a level is not offered for choice while it is shelved. */
const UNRELIABLE = 2;
/** With less than this ready to be played, in seconds, a late level is not waited for. */
const NEARLY_EMPTY = 1.5;
/** hls.js's word for "gives up on this level" (NetworkErrorAction, error-controller.ts). */
const SWITCH_AWAY = 2;
/** Frame rates up to this count as equal, see evenOut. */
const ORDINARY_RATE = 31;

/**
 * keepLevels takes charge of the levels of hls.
 *
 * @param offers  see offers.mjs; learns what hls.js reads
 * @param wish    the size to play, or null to adapt
 * @param frugal  stay with the lowest rendition unless there is a wish
 */
export function keepLevels(hls, Hls, offers, { wish, frugal }) {
  const troubles = new Map(); // URL of a level -> { strikes, until }
  const held = new WeakSet(); // levels that have an error because of us
  const missing = new Set(); // URLs of levels that the server has taken out

  hls.on(Hls.Events.MANIFEST_LOADED, (_, { levels }) => offers.adopt(offersOf(levels)));
  hls.on(Hls.Events.MANIFEST_PARSED, (_, { levels }) => {
    evenOut(levels);
    tend();
  });
  hls.on(Hls.Events.ERROR, (_, data) => {
    if (!data.fatal && data.errorAction?.action === SWITCH_AWAY && (data.frag?.type ?? 'main') === 'main') {
      strike(hls.levels[data.frag?.level ?? data.context?.level ?? -1]);
    }
  });

  const others = (level) => hls.levels.filter((l) => l !== level && !shelved(l));

  /** strike shelves a level, unless there is nothing else: then it is not the level's fault. */
  function strike(level) {
    if (!level || shelved(level)) {
      return;
    }
    if (others(level).length === 0) {
      troubles.clear();
      return;
    }
    const strikes = (troubles.get(level.uri)?.strikes ?? 0) + 1;
    const rest = Math.min(SHELF_MS * 2 ** (strikes - 1), SHELF_MOST_MS);
    troubles.set(level.uri, { strikes, until: performance.now() + rest });
    offers.refresh();
    tend();
  }

  const resting = (url) => (troubles.get(url)?.until ?? 0) > performance.now();

  const shelved = (level) => missing.has(level.uri) || resting(level.uri);

  /** compare finds what was taken out, and forgives what was put back. */
  function compare() {
    const known = offers.current()?.urls ?? [];
    for (const { uri } of hls.levels) {
      if (known.length > 0 && !known.includes(uri)) {
        missing.add(uri);
      } else if (missing.delete(uri)) {
        troubles.delete(uri);
      }
    }
  }

  /** indexOf finds the best usable level of a size, -1 if there is none. */
  const indexOf = (size) => hls.levels.findLastIndex((l) => sizeOf(l) === size && !shelved(l));

  /** tend makes hls.js comply. It is called often and changes only what is not so. */
  function tend() {
    const { levels } = hls;
    if (levels.length < 2) {
      return;
    }
    compare();
    let out = levels.filter(shelved);
    if (out.length === levels.length) {
      troubles.clear(); // whatever is wrong is wrong everywhere
      out = [];
    }
    for (const level of levels) {
      if (out.includes(level)) {
        held.add(level);
        level.loadError = Math.max(level.loadError, 1);
        level.loadErrorTime = 0; // never expires by itself
      } else if (held.delete(level)) {
        level.loadError = 0;
        level.fragmentError = 0;
      }
    }
    const usable = levels.filter((l) => !out.includes(l));
    // Its last resort is the lowest level, whatever errors that has.
    hls.config.minAutoBitrate = usable[0] === levels[0] ? 0 : usable[0].maxBitrate;
    if (frugal) {
      hls.autoLevelCapping = levels.indexOf(usable[0]);
    }
    offers.trouble(out.length > 0 || lacks());

    const manual = wish === null ? -1 : indexOf(wish);
    if (hls.manualLevel !== manual) {
      steer(manual);
    }
    const loading = levels[hls.loadLevel];
    if (loading && out.includes(loading) && manual === -1) {
      leave(loading, usable);
    }
  }

  /**
   * steer goes to a level, -1 for hls.js's own choice. nextLevel throws away only
   * what can be had again in time, at the live position nothing: the change is seen
   * after 2 to 3 s. currentLevel throws away everything: seen after 1 s, but on a
   * link of 480 kbit/s and 400 ms it stood still for 3.5 s and more, where nextLevel
   * and loadLevel stood 1.2 and 1.0 s for a rendition as large as the link, and not
   * at all for a smaller one. None of them went back.
   */
  function steer(index) {
    if (hls.mainForwardBufferInfo?.len > 0) {
      hls.nextLevel = index;
    } else {
      hls.loadLevel = index;
    }
  }

  /** leave goes to the next lower level, or to the next higher one. */
  function leave(level, usable) {
    const at = hls.levels.indexOf(level);
    const next = usable.findLast((l) => hls.levels.indexOf(l) < at) ?? usable[0];
    const index = hls.levels.indexOf(next);
    hls.nextAutoLevel = index;
    hls.nextLoadLevel = index;
  }

  /** silent says that the sound goes on but this level does not. */
  function silent() {
    const picture = hls.latestLevelDetails;
    const sound = hls.audioTracks[hls.audioTrack]?.details;
    if (!picture?.live || !sound?.live) {
      return false;
    }
    const allowed = 1 + (picture.partTarget ? 2 * picture.partTarget : 1.5 * picture.targetduration);
    return sound.edge - picture.edge > allowed && (hls.mainForwardBufferInfo?.len ?? Infinity) < NEARLY_EMPTY;
  }

  /** lacks says that the server offers a rendition that hls.js has not heard of. */
  function lacks() {
    const mine = hls.levels.map((l) => l.uri);
    return mine.length > 0 && (offers.current()?.urls ?? []).some((url) => !mine.includes(url));
  }

  return {
    lacks,
    usable: (level) => !shelved(level),
    /** supervise is called a few times a second. */
    supervise() {
      const loading = hls.levels[hls.loadLevel];
      if (loading && hls.levels.length > 1 && silent()) {
        strike(loading);
      }
      tend();
    },
    /** choose plays a size, null adapts; false says that it takes a new player. */
    choose(size) {
      wish = size;
      const offered = offers.current()?.rungs.some((r) => r.size === size);
      if (size !== null && offered && !hls.levels.some((l) => sizeOf(l) === size)) {
        return false;
      }
      tend();
      return true;
    },
    /** sizes are those worth choosing, best first. */
    sizes() {
      const rungs = offers.current()?.rungs ?? [];
      return rungs.filter((r) => !(resting(r.url) && troubles.get(r.url).strikes >= UNRELIABLE)).map((r) => r.size);
    },
    /** playing is the size on screen, null while nothing is. */
    playing() {
      const level = hls.levels[hls.currentLevel] ?? hls.levels[hls.loadLevel];
      return level ? sizeOf(level) || null : null;
    },
  };
}

/**
 * evenOut keeps hls.js from ruling levels out by their frame rates: it never goes
 * up to a lower rate, and a source of 29.97 or of unknown rate over renditions of
 * 30 would not be found again (findBestLevel, abr-controller.ts, 1.7.4).
 */
function evenOut(levels) {
  for (const level of levels) {
    if (level.frameRate < ORDINARY_RATE) {
      level.frameRate = 30;
    }
  }
}
