// What to do about the n-th failure in a row. The answer is never "give up": a class
// comes back, and then the page must play by itself.

const FIRST_MS = 500;
const LONGEST_MS = 8000;

/** backOff doubles from half a second to eight, and spreads viewers over the upper half. */
export function backOff(attempt, random = Math.random) {
  const full = Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS);
  return full * (0.5 + random() / 2);
}

/**
 * remedy picks the mildest step that has not just failed.
 *
 * @param kind     'network' | 'media' | 'stuck' | 'other'
 * @param attempt  how many remedies were tried since the picture last moved
 * @returns 'reload' ask again where it stopped
 *        | 'media'  reset the decoder
 *        | 'live'   skip what cannot be had, go on at the live position
 *        | 'rebuild' throw the player away and make a new one
 */
export function remedy(kind, attempt) {
  switch (kind) {
    case 'media':
      return ['media', 'live'][attempt] ?? 'rebuild';
    case 'network':
      // Mostly patience, and the last picture stays; now and then something stronger,
      // in case what we ask for is what is broken.
      return ['reload', 'reload', 'reload', 'live', 'reload', 'reload', 'reload', 'rebuild'][attempt % 8];
    case 'stuck':
      return ['reload', 'live'][attempt] ?? 'rebuild';
    default:
      return 'rebuild';
  }
}
