// How a text of people is shown: as it is, with links for whole addresses.

import { el } from './element.mjs';
import { pieces } from './room-words.mjs';

/** plain makes a text with links, nothing else. */
export function plain(text) {
  return pieces(text).map((piece) => (piece.link
    ? el('a', { href: piece.link, target: '_blank', rel: 'noopener noreferrer nofollow ugc', text: piece.text })
    : piece.text));
}
