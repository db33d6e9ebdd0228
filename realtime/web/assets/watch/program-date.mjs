// Between the dates of a playlist (EXT-X-PROGRAM-DATE-TIME) and positions in it.
// Media time goes on through an interruption, dates jump. Pure functions, tested
// without a browser; dates are in ms, positions in seconds.

/** positionOf finds a date, or what comes next if nothing was on the air then; null if it is past the end. */
export function positionOf(fragments, date) {
  for (const { start, duration, programDateTime } of fragments) {
    if (programDateTime !== null && date < programDateTime + duration * 1000) {
      return start + Math.max(0, date - programDateTime) / 1000;
    }
  }
  return null;
}

/** dateOf is the date of a position, null if the playlist has no dates. */
export function dateOf(fragments, position) {
  const at = fragments.findLast((f) => f.start <= position) ?? fragments[0];
  return at && at.programDateTime !== null ? at.programDateTime + (position - at.start) * 1000 : null;
}

/** firstDate reads the first date of a playlist, null if there is no whole line with one in text. */
export function firstDate(text) {
  const [, date] = /^#EXT-X-PROGRAM-DATE-TIME:(\S+)[ \t]*\r?\n/m.exec(text) ?? [];
  const ms = Date.parse(date ?? '');
  return Number.isNaN(ms) ? null : ms;
}
