// What the playlists tell of the class's room, as EXT-X-DATERANGE: that something
// happens at a moment of the lecture, and to what. It comes with the video, also to
// those who come late or whom the room cannot reach, and with the recording. The rest
// only the room knows.

const CLASS = 'org.lectern.cue';

/** fromRanges reads the Date Ranges of hls.js. */
export function fromRanges(ranges) {
  return Object.values(ranges ?? {}).filter(({ attr }) => attr.CLASS === CLASS)
    .map(({ attr }) => ({ event: attr['X-EVENT'], id: attr['X-CUE'], at: Date.parse(attr['START-DATE']) }));
}

/**
 * fromTracks reads those of a browser that plays HLS itself: it has a cue for each
 * attribute. start is the date of its position 0, in ms.
 */
export function fromTracks(tracks, start) {
  const cues = [...tracks].filter((track) => track.kind === 'metadata').flatMap((track) => {
    if (track.mode === 'disabled') {
      track.mode = 'hidden'; // else there are none
    }
    return [...track.cues ?? []];
  });
  const of = (key) => cues.filter(({ value }) => value?.key === key).map((cue) => ({ text: String(cue.value.data), position: cue.startTime }));
  const events = of('X-EVENT');
  // Two that happen at once are told apart by what they happen to: ids of polls begin with a p.
  return of('X-CUE').flatMap(({ text, position }) => events
    .filter((e) => e.position === position && e.text.startsWith('poll.') === text.startsWith('p'))
    .map((e) => ({ event: e.text, id: text, at: Math.round(start + position * 1000) })));
}

/**
 * createTold collects { event, id, at } as they become known: event is poll.opened,
 * poll.closed, poll.revealed or marker, id that of the poll or marker, at the date of
 * the picture in ms. A bounded number: that of the class.
 */
export function createTold(player, video) {
  const known = new Map();
  const listeners = [];
  let seen = null;

  function now() {
    if (player.hls === null) {
      const start = video.getStartDate?.().getTime();
      return Number.isFinite(start) ? fromTracks(video.textTracks, start) : [];
    }
    const ranges = player.hls.latestLevelDetails?.dateRanges ?? null;
    if (ranges === seen) {
      return [];
    }
    seen = ranges;
    return fromRanges(ranges);
  }

  /** look finds what is new. */
  function look() {
    for (const cue of now()) {
      const key = `${cue.event} ${cue.id} ${cue.at}`;
      if (!known.has(key)) {
        known.set(key, cue);
        listeners.forEach((listen) => listen(cue));
      }
    }
  }

  return {
    look,
    /** all are those known so far. */
    all: () => [...known.values()],
    /** onCue calls listen once for each, also for those that are known. */
    onCue(listen) {
      known.forEach((cue) => listen(cue));
      listeners.push(listen);
    },
  };
}
