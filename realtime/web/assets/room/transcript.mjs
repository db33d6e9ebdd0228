// What was said in a class, as the server wrote it down: an index with all but the
// chat, and the chat by minutes of the media's clock (realtime/transcript describes
// both). Loads what is needed at a moment of the lecture, and tells what is to be seen
// then. Dates are in ms. Nothing here needs a browser.

/** The chat before a moment: so many messages, from so many minutes at most. */
const SHOWN = 200;
const MOST_MINUTES = 10;
const MINUTE_MS = 60000;
/** The next minute is loaded so long before it begins. */
const AHEAD_MS = 15000;
/** A minute that could not be had is asked for again after so long. */
const AGAIN_MS = 5000;
const AT_ONCE = 4;

/** neededAt are the minutes whose messages are to be seen at a date, the latest first. */
export function neededAt(minutes, date) {
  const now = Math.floor((date + AHEAD_MS) / MINUTE_MS);
  const needed = [];
  let messages = 0;
  for (let i = minutes.findLastIndex((m) => m.minute <= now); i >= 0 && needed.length < MOST_MINUTES && messages < SHOWN; i -= 1) {
    needed.push(minutes[i].minute);
    messages += minutes[i].minute * MINUTE_MS + MINUTE_MS <= date ? minutes[i].messages : 0;
  }
  return needed;
}

/** resultsAt is when the results of a poll were to be seen, null for never. */
export function resultsAt(poll) {
  if (!poll.tally) {
    return null;
  }
  return poll.results === 'live' ? poll.closed_media_ts ?? poll.closes_media_ts ?? poll.media_ts : poll.revealed_media_ts ?? null;
}

/** pollsAt are the polls that had been opened: [{ poll, phase }], phase is open, closed or results. */
export function pollsAt(polls, date) {
  return polls.filter((p) => p.media_ts <= date).map((poll) => {
    const results = resultsAt(poll);
    const closed = Math.min(poll.closed_media_ts ?? Infinity, poll.closes_media_ts ?? Infinity);
    return { poll, phase: results !== null && results <= date ? 'results' : closed <= date ? 'closed' : 'open', revealed: (poll.revealed_media_ts ?? Infinity) <= date };
  });
}

/** questionsAt are the questions that had been asked, as they stood: what is being answered first, then by votes. */
export function questionsAt(questions, date) {
  return questions.filter((q) => q.media_ts <= date)
    .map((q) => ({
      ...q,
      state: (q.changes ?? []).findLast((c) => c.media_ts <= date)?.state ?? 'asked',
      answer: q.answer && q.answer.media_ts <= date ? q.answer : null,
    }))
    .sort((a, b) => (b.state === 'answering') - (a.state === 'answering') || b.votes - a.votes || a.media_ts - b.media_ts);
}

/** standingAt are the announcements, or pins, that stood. */
export const standingAt = (list, date) => list.filter((one) => one.media_ts <= date && !(one.until_media_ts <= date));

/** chapterAt is the index of the chapter that was going on, -1 before the first. */
export const chapterAt = (chapters, date) => chapters.findLastIndex((c) => c.media_ts <= date);

/** isEmpty says that nothing was ever said. */
export const isEmpty = (index) => ['minutes', 'chapters', 'questions', 'polls', 'announcements', 'pins'].every((list) => index[list].length === 0);

/**
 * createTranscript keeps what was loaded.
 *
 * @param load loads a document by its name: async (file) => object, null if there is none
 */
export function createTranscript(load, { now = () => Date.now() } = {}) {
  let index = null;
  const minutes = new Map(); // minute -> { messages, failedAt, loading }
  let loading = 0;

  async function fetchMinute(minute) {
    const entry = { messages: null, failedAt: 0, loading: true };
    minutes.set(minute, entry);
    loading += 1;
    try {
      entry.messages = (await load(`${minute}.json`))?.messages ?? [];
    } catch {
      entry.failedAt = now();
    } finally {
      entry.loading = false;
      loading -= 1;
    }
  }

  const wanted = (minute) => {
    const entry = minutes.get(minute);
    return !entry || (entry.messages === null && !entry.loading && now() - entry.failedAt > AGAIN_MS);
  };

  return {
    get index() { return index; },
    /** refresh loads the index; what of the chat has changed since is loaded again when it is needed. */
    async refresh() {
      const next = await load('index.json');
      if (next === null || next.v !== 1) {
        return;
      }
      for (const { minute, messages } of next.minutes) {
        const entry = minutes.get(minute);
        if (entry?.messages && entry.messages.length !== messages) {
          minutes.delete(minute);
        }
      }
      index = next;
    },
    /** want loads what is needed at a date and is not there, the latest first. */
    want(date) {
      for (const minute of neededAt(index.minutes, date)) {
        if (loading < AT_ONCE && wanted(minute)) {
          fetchMinute(minute);
        }
      }
    },
    /** messagesAt are the last messages before a date, of what is loaded. */
    messagesAt(date) {
      const all = [];
      for (const minute of neededAt(index.minutes, date).filter((m) => m * MINUTE_MS <= date)) {
        const messages = minutes.get(minute)?.messages;
        if (!messages) {
          break; // nothing with a hole in it
        }
        all.unshift(...messages.filter((m) => m.media_ts <= date));
      }
      return all.slice(-SHOWN);
    },
    /** ready says that nothing is missing at a date. */
    ready: (date) => neededAt(index.minutes, date).every((minute) => minutes.get(minute)?.messages || minute * MINUTE_MS > date),
    /** find finds a message of what is loaded. */
    find(id) {
      for (const { messages } of minutes.values()) {
        const found = messages?.find((m) => m.id === id);
        if (found) {
          return found;
        }
      }
      return null;
    },
  };
}
