// How a text of people is shown: as it is, with links for whole addresses and marks for names.

import { el } from './element.mjs';
import { pieces } from './room-words.mjs';

/** plain makes a text with links, and with those names marked that stand behind an @. */
export function plain(text, names = []) {
  return pieces(text).flatMap((piece) => (piece.link
    ? el('a', { href: piece.link, target: '_blank', rel: 'noopener noreferrer nofollow ugc', text: piece.text })
    : marked(piece.text, names.filter(Boolean).map((name) => `@${name}`))));
}

function marked(text, calls) {
  const first = calls.filter((call) => text.includes(call)).sort((a, b) => text.indexOf(a) - text.indexOf(b) || b.length - a.length)[0];
  if (first === undefined) {
    return [text];
  }
  const at = text.indexOf(first);
  return [text.slice(0, at), el('strong', { class: 'mention', dir: 'auto', text: first }), ...marked(text.slice(at + first.length), calls)];
}
