// Tells screen readers about changes: politely, and not more often than anybody
// wants to hear. Of several changes in a short time only the last is said.

import { spoken } from './words.mjs';

const QUIET_MS = 4000;

export function announcer() {
  const region = document.getElementById('announce');
  let last = '';
  let said = '';
  let saidAt = -Infinity;

  /** say is for what somebody has just asked for: at once, whatever was said before. */
  function say(text) {
    region.textContent = text;
    saidAt = performance.now();
  }

  function render({ view }) {
    last = spoken(view);
    const now = performance.now();
    if (last !== '' && last !== said && now - saidAt >= QUIET_MS) {
      say(last);
      said = last;
    }
  }
  render.say = say;
  return render;
}
