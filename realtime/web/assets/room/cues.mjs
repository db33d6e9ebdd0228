// What of the room is shown now, for somebody who sees this moment of the lecture.
// Pure functions of the state and of the media, so that nothing has to be undone when
// somebody goes back. media is { date, now } in ms: the date of the picture, null if
// unknown, and the server's clock.

/** A picture without a date shows a cue this long after its moment at the latest. */
const HOLD_MS = 30000;
/** A poll that closed before one came in was open for so long, as far as one can tell. */
export const UNKNOWN_MS = 60000;
/** Results stay for so long unless they are put away. */
const RESULTS_MS = 120000;

/** dateOf is the date of the picture: as the player knows it, or by how far it is behind (s), or null. */
export function dateOf(playing, behind, now) {
  if (playing !== null && playing !== undefined) {
    return playing;
  }
  return Number.isFinite(behind) ? now - behind * 1000 : null;
}

/** reached says whether a moment has come for this viewer; 0 is at once, null never. */
export function reached(at, { date, now }) {
  if (at === null || at === undefined) {
    return false;
  }
  if (at === 0) {
    return true;
  }
  return date === null ? now >= at + HOLD_MS : date >= at;
}

/** deadlineOf is until when a person may vote, on the media's clock, null if there is no end. */
export function deadlineOf(poll, extraTime = 0) {
  if (!poll.closesAt) {
    return null;
  }
  const seconds = poll.openedAt ? poll.closesAt - poll.openedAt : 0;
  return poll.closesAt + Math.round((seconds * extraTime) / 100);
}

/** phaseOf is what the viewer sees of a poll: hidden, open, closed or revealed. */
export function phaseOf(poll, media, extraTime = 0) {
  if (poll.state === 'draft' || !reached(poll.openedAt, media)) {
    return 'hidden';
  }
  if (reached(poll.revealedAt, media)) {
    return 'revealed';
  }
  const deadline = deadlineOf(poll, extraTime);
  if (deadline !== null && (media.date ?? media.now) >= deadline) {
    return 'closed';
  }
  return reached(poll.closedAt, media) ? 'closed' : 'open';
}

/** since is how long a moment has been there for the viewer, in ms. */
const since = (at, { date, now }) => (at ? (date ?? now) - at : Infinity);

/**
 * pollToShow is the poll that a viewer is to see now, null for none: one that waits for
 * an answer, then fresh results, then one that is open, then one that has just closed.
 *
 * @param polls     in the order in which they were opened
 * @param away      ids of polls that were put away, by phase: "id/phase"
 * @returns { poll, phase }
 */
export function pollToShow(polls, media, { away = new Set(), extraTime = 0 } = {}) {
  const shown = polls.map((poll) => ({ poll, phase: phaseOf(poll, media, extraTime) }))
    .filter(({ poll, phase }) => phase !== 'hidden' && !away.has(`${poll.id}/${phase}`));
  const newest = [...shown].reverse();
  return shown.find(({ poll, phase }) => phase === 'open' && !poll.mine)
    ?? newest.find(({ poll, phase }) => phase === 'revealed' && since(poll.revealedAt, media) < RESULTS_MS)
    ?? newest.find(({ phase }) => phase === 'open')
    ?? newest.find(({ poll, phase }) => phase === 'closed' && since(poll.closedAt ?? poll.closesAt, media) < RESULTS_MS)
    ?? null;
}

/**
 * withTold are polls of which the playlists may have told more than the room: that one
 * was closed while the room was out of reach.
 *
 * @param cues see watch/told.mjs
 */
export function withTold(polls, cues) {
  return polls.map((poll) => {
    const closed = poll.state === 'open' && cues.find(({ event, id }) => event === 'poll.closed' && id === poll.id);
    return closed ? { ...poll, closedAt: closed.at } : poll;
  });
}

/** missedPoll is the id of a poll that is open now, as the playlists tell, of which the room has not; or null. */
export function missedPoll(polls, cues, media) {
  const past = cues.filter(({ at }) => reached(at, media));
  const over = (id) => past.some((cue) => cue.id === id && cue.event !== 'poll.opened');
  const opened = past.find(({ event, id }) => event === 'poll.opened' && !over(id) && !polls.some((poll) => poll.id === id && poll.state !== 'draft'));
  return opened?.id ?? null;
}

/** announcementsToShow are those that stand now. */
export function announcementsToShow(announcements, media) {
  return announcements.filter((a) => reached(a.at ?? 0, media) && (!a.until || media.now < a.until));
}
