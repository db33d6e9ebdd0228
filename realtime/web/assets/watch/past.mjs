// How far back one can go: the date at which the DVR playlist begins. It may list
// hours, and two thousand viewers want to know: only its beginning is read, and
// seldom.

import { parseMultivariant } from './multivariant.mjs';
import { firstDate } from './program-date.mjs';

const TIMEOUT_MS = 10000;
/** What was read holds for so long, in ms; after a failure for so long. */
const FRESH_MS = 300000;
const FAILED_MS = 30000;
/** Everybody waits up to so long before asking. */
const SPREAD_MS = 3000;
/** The first date stands within so many characters. */
const ENOUGH = 8192;

/** followPast keeps the beginning of the DVR playlist. */
export function followPast(pass) {
  let url = '';
  let from = null;
  let due = Infinity;

  async function look() {
    const mine = url;
    due = performance.now() + FAILED_MS;
    try {
      const date = await readFirstDate(mine, pass);
      if (mine === url && date !== null) {
        from = date;
        due = performance.now() + FRESH_MS;
      }
    } catch {
      // Offline, or nothing there yet: again later.
    }
  }

  return {
    /** from is the first date that can be seen again, null while unknown. */
    get from() { return from; },
    /** learn takes over what a player has just read. */
    learn(date) {
      from = date;
      due = performance.now() + FRESH_MS;
    },
    /** follow asks for newURL now and then; it is called a few times a second. */
    follow(newURL) {
      if (newURL !== url) {
        url = newURL;
        from = null;
        due = performance.now() + Math.random() * SPREAD_MS;
      }
      if (url !== '' && performance.now() >= due) {
        look();
      }
    },
  };
}

async function readFirstDate(url, pass) {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const all = await fetch(pass.wire(url), { signal });
  const offers = all.ok ? parseMultivariant(await all.text(), pass.plain(all.url)) : null;
  const smallest = offers?.urls.at(-1) ?? offers?.sound;
  if (!smallest) {
    return null;
  }
  const list = await fetch(pass.wire(smallest), { signal });
  if (!list.ok) {
    return null;
  }
  const reader = list.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let date = null;
  while (date === null && text.length < ENOUGH) {
    const { value, done } = await reader.read();
    if (done) {
      break;
    }
    text += value;
    date = firstDate(text);
  }
  reader.cancel().catch(() => {});
  return date;
}
