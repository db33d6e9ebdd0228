// The server's clock, which also stamps the video. A student's clock may be off by
// hours; all that matters is the difference.

const KEEP = 8;

/**
 * serverClock estimates the server's time. Each answer says what the server's clock
 * showed when it was written; caches can only make that older, never newer, so of
 * the last few answers the one that puts the server furthest ahead is the best.
 */
export function serverClock(local = () => Date.now()) {
  let offsets = [];
  return {
    /** observe takes serverTime (ms) of an answer asked for at `sent` and read at `received`. */
    observe(serverTime, sent, received) {
      if (Number.isFinite(serverTime)) {
        offsets = [...offsets, serverTime - (sent + received) / 2].slice(-KEEP);
      }
    },
    /** now is the server's time in ms; the local time while nothing is known. */
    now() {
      return local() + (offsets.length ? Math.max(...offsets) : 0);
    },
  };
}
