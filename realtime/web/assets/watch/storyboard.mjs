// Small pictures of what was on the screen, from a WebVTT file whose cues are named
// by the date and point into sheets of tiles (Media Fragments URI §4.2.2).

const TIMEOUT_MS = 10000;
/** A class that goes on gets new pictures. */
const FRESH_MS = 60000;

/**
 * parseStoryboard reads the cues that have a date, in order.
 *
 * @returns [{ date, url, x, y, width, height }]
 */
export function parseStoryboard(text, base) {
  const cues = [];
  for (const block of text.split(/\r?\n\r?\n/)) {
    const [name, timing, target] = block.trim().split(/\r?\n/);
    const date = Date.parse(name);
    const [, file, box] = /^(\S+)#xywh=(\d+,\d+,\d+,\d+)$/.exec(target ?? '') ?? [];
    if (!Number.isNaN(date) && timing.includes('-->') && file) {
      const [x, y, width, height] = box.split(',').map(Number);
      cues.push({ date, url: new URL(file, base).href, x, y, width, height });
    }
  }
  return cues;
}

/** pictureAt is the cue of a date, null if there is none. */
export function pictureAt(cues, date) {
  return cues.findLast((cue) => cue.date <= date) ?? null;
}

/** storyboard fetches the cues when somebody wants to see one. */
export function storyboard(pass) {
  let url = '';
  let cues = [];
  let due = 0;

  async function load(mine) {
    due = performance.now() + FRESH_MS;
    try {
      const response = await fetch(pass.wire(mine), { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (response.ok && mine === url) {
        cues = parseStoryboard(await response.text(), pass.plain(response.url));
      }
    } catch {
      // No pictures then.
    }
  }

  return {
    /** at is the picture of a date, or null; newURL is that of the WebVTT file. */
    at(date, newURL) {
      if (newURL !== url) {
        url = newURL;
        cues = [];
        due = 0;
      }
      if (url === '') {
        return null;
      }
      if (performance.now() >= due) {
        load(url);
      }
      return date === null ? null : pictureAt(cues, date);
    },
  };
}
