// What a multivariant playlist offers, as far as somebody who chooses wants to
// know (RFC 8216bis §4.4.6). Pure functions, tested without a browser.

/** sizeOf is the number people call a picture size by: 720 for 1280x720, held either way. */
export function sizeOf({ width, height }) {
  return Math.min(width || 0, height || 0);
}

/**
 * offersOf sorts variants into rungs, best first and one of each size, and the
 * playlist that has sound alone.
 *
 * @param variants [{ url, width, height, bitrate }]; those without a size have no picture
 * @returns { rungs: [{ url, size, bitrate }], urls: [all with pictures], sound: url|null }
 */
export function offersOf(variants) {
  const pictures = variants
    .map((v) => ({ url: v.url, size: sizeOf(v), bitrate: v.bitrate }))
    .filter((v) => v.size > 0)
    .sort((a, b) => b.size - a.size || b.bitrate - a.bitrate);
  return {
    rungs: pictures.filter((v, i) => i === 0 || v.size !== pictures[i - 1].size),
    urls: pictures.map((v) => v.url),
    sound: variants.find((v) => sizeOf(v) === 0)?.url ?? null,
  };
}

/** parseMultivariant reads a playlist that came from base; null if it is none. */
export function parseMultivariant(text, base) {
  const lines = text.split(/\r?\n/);
  if (lines[0].trim() !== '#EXTM3U') {
    return null;
  }
  const variants = [];
  let attributes = null;
  for (const line of lines) {
    const [, list] = /^#EXT-X-STREAM-INF:(.*)$/.exec(line) ?? [];
    if (list !== undefined) {
      attributes = list;
    } else if (attributes !== null && line !== '' && !line.startsWith('#')) {
      variants.push(variant(attributes, new URL(line.trim(), base).href));
      attributes = null;
    }
  }
  return variants.length ? offersOf(variants) : null;
}

function variant(attributes, url) {
  const values = {};
  for (const [, name, value] of attributes.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)) {
    values[name] = value;
  }
  const [, width, height] = /^(\d+)x(\d+)$/.exec(values.RESOLUTION ?? '') ?? [];
  return { url, width: Number(width ?? 0), height: Number(height ?? 0), bitrate: Number(values.BANDWIDTH ?? 0) };
}
