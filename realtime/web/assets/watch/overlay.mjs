// The message over the picture: what is happening when nothing is playing.

import { message } from './words.mjs';

/** How long nothing may move before a short hiccup is worth a message. */
const PATIENCE_MS = 600;

/** overlay shows it; again plays the recording from its beginning. */
export function overlay(clock, again) {
  const box = document.getElementById('overlay');
  const button = document.getElementById('again');
  const parts = {};
  for (const name of ['eyebrow', 'headline', 'countdown', 'detail']) {
    parts[name] = document.getElementById(name);
  }
  let since = 0;
  let last = '';

  button.addEventListener('click', () => {
    again();
    document.getElementById('play').focus({ focusVisible: false });
  });

  return ({ view, cls, media, recorded }) => {
    button.hidden = !(view === 'ended' && recorded);
    if (view !== last) {
      last = view;
      since = performance.now();
    }
    const text = message(view, cls, clock.now());
    const early = view === 'connecting' && media.started && performance.now() - since < PATIENCE_MS;
    box.hidden = text === null || early;
    if (text === null) {
      return;
    }
    for (const [name, element] of Object.entries(parts)) {
      const value = text[name] ?? '';
      if (element.textContent !== value) {
        element.textContent = value;
      }
      element.hidden = value === '';
    }
  };
}
