// Keeps hls.js playing on a link that becomes slower, where hls.js alone (1.7.4) does
// not:
//
//  - it looks after the first part of a segment only while it is being loaded;
//  - it averages rates, so that 20 Mbit/s of before hide 1 of now for seconds, and
//    takes a part that comes at once after a while for a fast link;
//  - it changes renditions in the middle of a segment, which then is loaded again
//    from its start, and goes back to a rendition in the middle of one, where the
//    decoder finds no keyframe: a hole;
//  - it never plays slower, which makes a little buffer last.
//
// The decisions are in link.mjs.

import { leaving, meter, paceFor, reserve } from './link.mjs';

const CHECK_MS = 100;
/** The share of a new measurement in what is known of a rendition. */
const NEWEST = 0.3;
/** Factors of the estimate by which hls.js stays where it is. */
const STAY = { down: 100, up: 0.01 };

/**
 * keepUp looks after hls, which plays into video.
 *
 * @param serverTarget how far from the edge the server asks players to stay, or null
 * @param usable       says which levels may be played
 */
export function keepUp(hls, Hls, video, serverTarget, usable) {
  const { Events } = Hls;
  const link = meter();
  const sizes = new Map(); // URL of a level -> bits a second as measured
  const kept = reserve();
  const eager = { down: hls.config.abrBandWidthFactor, up: hls.config.abrBandWidthUpFactor };
  let loading = null; // the fragment on its way
  let inside = false; // whether the next part is in the middle of a segment
  let target = null; // the distance that was last asked for

  const isMedia = (frag) => frag.sn !== 'initSegment' && (frag.type === 'main' || frag.type === 'audio');

  hls.on(Events.FRAG_LOADING, (_, { frag }) => {
    if (frag.type === 'main' && isMedia(frag)) {
      loading = frag;
    }
  });
  hls.on(Events.FRAG_LOADED, (_, { frag, part }) => {
    const { stats, duration } = part ?? frag;
    if (!isMedia(frag) || stats.loaded === 0) {
      return;
    }
    const { start, first, end } = stats.loading;
    link.add({ start: start / 1000, first: first / 1000, end: end / 1000, bytes: stats.loaded });
    const level = frag.type === 'main' && hls.levels[frag.level];
    if (level && duration) {
      const size = stats.loaded * 8 / duration;
      const known = sizes.get(level.uri);
      sizes.set(level.uri, known ? known + NEWEST * (size - known) : size);
      inside = Boolean(part) && !isLast(part, level.details);
      lean();
    }
  });
  hls.on(Events.FRAG_BUFFERED, (_, { frag }) => {
    const measured = link.estimate();
    if (frag.type === 'main' && measured !== null) {
      hls.bandwidthEstimate = measured;
    }
  });
  hls.on(Events.LEVEL_SWITCHING, (_, { level }) => {
    // What it had of the newest segments does not join on to what comes from elsewhere.
    for (const part of hls.levels[level]?.details?.partList ?? []) {
      part.elementaryStreams = { audio: null, video: null, audiovideo: null };
    }
  });
  hls.on(Events.ERROR, (_, { details }) => {
    if (details === Hls.ErrorDetails.BUFFER_STALLED_ERROR && started()) {
      kept.alarm(performance.now());
    }
  });

  /** isLast says whether a part completes its segment, as far as that can be known. */
  function isLast(part, details) {
    const before = details?.fragments.at(-1)?.duration;
    return !before || part.fragOffset + part.duration > before - part.duration / 2;
  }

  /** lean tells hls.js how readily to change to another level. */
  function lean() {
    const { down, up } = inside ? STAY : eager;
    hls.config.abrBandWidthFactor = down;
    hls.config.abrBandWidthUpFactor = up * kept.caution(performance.now());
  }

  const bitrateOf = (level) => sizes.get(level.uri) ?? (level.averageBitrate || level.bitrate);

  /** ready is how much can be played, in seconds. */
  function ready() {
    const { buffered, currentTime } = video;
    for (let i = 0; i < buffered.length; i += 1) {
      if (buffered.start(i) <= currentTime + 0.1 && currentTime < buffered.end(i)) {
        return buffered.end(i) - currentTime;
      }
    }
    return 0;
  }

  /** underWay is the part that is coming in, or else the whole fragment. */
  function underWay() {
    const busy = ({ stats }) => stats.loading.start > 0 && !stats.loading.end && !stats.aborted;
    const parts = hls.levels[loading.level]?.details?.partList ?? [];
    const part = parts.find((p) => p.fragment.sn === loading.sn && busy(p));
    if (part) {
      const rest = parts.filter((p) => p.fragment.sn === part.fragment.sn && p.index > part.index);
      return { unit: part, behind: part.fragOffset + part.duration, ahead: rest.reduce((sum, p) => sum + p.duration, 0) };
    }
    return busy(loading) ? { unit: loading, behind: loading.duration, ahead: 0 } : null;
  }

  /** escape gives up what will not come in time. */
  function escape() {
    const at = loading && hls.autoLevelEnabled && underWay();
    if (!at) {
      return;
    }
    const level = hls.levels[loading.level];
    const lower = hls.levels.filter((l, i) => i < loading.level && usable(l));
    const { stats, duration } = at.unit;
    const now = performance.now();
    const { first } = stats.loading;
    const verdict = leaving({
      ready: ready() / (video.playbackRate || 1),
      unit: {
        bits: Math.max(bitrateOf(level) * duration, stats.loaded * 8),
        loaded: stats.loaded,
        elapsed: first ? (now - first) / 1000 : 0,
        waiting: (now - stats.loading.start) / 1000,
      },
      behind: at.behind,
      ahead: at.ahead,
      bitrate: bitrateOf(level),
      lower: lower.map(bitrateOf),
      estimate: hls.bandwidthEstimate,
      trip: hls.ttfbEstimate / 1000,
    });
    if (verdict === null) {
      return;
    }
    const frag = loading;
    loading = null;
    kept.alarm(now);
    hls.bandwidthEstimate = verdict.rate;
    hls.nextLoadLevel = hls.levels.indexOf(lower[verdict.index]);
    frag.abortRequests();
    hls.trigger(Events.FRAG_LOAD_EMERGENCY_ABORTED, { frag, part: at.unit === frag ? null : at.unit, stats });
  }

  /** pace keeps the distance to the edge, and makes a short buffer last. */
  function pace() {
    const details = hls.latestLevelDetails;
    const asked = serverTarget();
    if (!details?.live || !details.partTarget || asked === null || !hls.latency) {
      setRate(1);
      return;
    }
    if (started()) {
      kept.observe(ready(), performance.now());
    }
    const wanted = asked + kept.parts * details.partTarget;
    if (target !== wanted && (target !== null || kept.parts > 0)) {
      target = wanted;
      hls.targetLatency = wanted;
    }
    setRate(paceFor({ ready: ready(), late: hls.latency - hls.targetLatency, range: hls.targetLatency + details.targetduration, now: video.playbackRate }));
  }

  const started = () => !video.paused && !video.seeking && video.played.length > 0;

  function setRate(rate) {
    if (video.playbackRate !== rate && !video.paused) {
      video.playbackRate = rate;
    }
  }

  const timer = setInterval(() => {
    if (started()) {
      escape();
    }
    lean();
    pace();
  }, CHECK_MS);

  return {
    /** forget is for a viewer who wants to be live. */
    forget() {
      kept.clear();
      target = null;
    },
    stop() {
      clearInterval(timer);
      video.playbackRate = 1;
    },
  };
}
