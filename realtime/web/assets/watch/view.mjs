// Which one state the page is in. Pure functions, tested without a browser.

/** More than this many seconds later than the live position counts as behind… */
export const BEHIND_AFTER = 3;
/** …until it is less than this again, so that nothing flickers. */
const LIVE_AGAIN = 2;

/**
 * viewOf decides from what the server says of the class and what the player says
 * of the media.
 *
 * @param cls   { state: 'scheduled'|'live'|'interrupted'|'ended', gone: boolean, locked: string|null }
 * @param media sample of the player, see player.mjs
 * @param before the state until now
 * @returns 'waiting'|'connecting'|'live'|'behind'|'recording'|'paused'|'interrupted'|'ended'|'gone'|'locked'
 */
export function viewOf(cls, media, before = '') {
  if (media.ended) {
    return 'ended';
  }
  if (cls.locked && !media.advancing) {
    return 'locked';
  }
  if (cls.state === 'ended' && !media.replay && !media.advancing && !media.paused && media.ahead < 0.5) {
    return 'ended';
  }
  if (media.paused && (media.started || media.blocked)) {
    return 'paused';
  }
  if (media.advancing) {
    if (media.replay) {
      return media.finished ? 'recording' : 'behind';
    }
    return media.lag !== null && media.lag > (before === 'behind' ? LIVE_AGAIN : BEHIND_AFTER) ? 'behind' : 'live';
  }
  if (cls.gone) {
    return 'gone';
  }
  if (cls.state === 'scheduled') {
    return 'waiting';
  }
  if (cls.state === 'interrupted') {
    return 'interrupted';
  }
  return 'connecting';
}

/** shouldPlay says whether there is, or soon will be, something to play. */
export function shouldPlay(cls, view) {
  return Boolean(cls.hls) && !cls.gone && !cls.locked && view !== 'ended' && (cls.state === 'live' || cls.state === 'interrupted');
}
